// The form in RJSF: fields of a group in a grid, advanced and expert ones folded, YAML where no other field fits.
import { useState } from "react";
import { Accordion, AccordionDetails, AccordionSummary, Box, FormHelperText, TextField, Typography } from "@mui/material";
import ExpandMore from "@mui/icons-material/ExpandMore";
import { Form, Templates } from "@rjsf/mui";
import validator from "@rjsf/validator-ajv8";
import yaml from "js-yaml";

const words = {
  en: { advanced: "Advanced", expert: "Expert", wrong: "is not YAML" },
  "zh-CN": { advanced: "高级", expert: "专家", wrong: "不是 YAML" },
};

/** Text in YAML for values that no other field shows. */
function YamlField({ formData, onChange, fieldPathId, schema, uiSchema, formContext, registry }) {
  const language = (formContext ?? registry?.formContext)?.language ?? "en";
  const [text, setText] = useState(undefined);
  const isEmpty = formData === undefined || Object.keys(formData).length === 0;
  const shown = text ?? (isEmpty ? "" : yaml.dump(formData));
  let wrong = "";
  try {
    yaml.load(shown);
  } catch {
    wrong = words[language].wrong;
  }
  const change = (event) => {
    setText(event.target.value);
    try {
      const read = yaml.load(event.target.value);
      onChange(read ?? schema.default, fieldPathId?.path);
    } catch {
      // Told below the field.
    }
  };
  const help = [uiSchema["ui:description"], uiSchema["ui:help"]].filter(Boolean).join(" ");
  return (
    <Box>
      <TextField fullWidth multiline minRows={2} label={uiSchema["ui:title"]} value={shown} onChange={change} error={wrong !== ""}
        slotProps={{ htmlInput: { style: { fontFamily: "monospace" } } }} />
      <FormHelperText error={wrong !== ""}>{wrong || help}</FormHelperText>
    </Box>
  );
}

/** A field with its path, and what a change of it takes. */
function FieldTemplate(properties) {
  const { id, children, schema, uiSchema, rawErrors, hidden } = properties;
  const options = uiSchema["ui:options"];
  if (hidden || !options) {
    // The key of an entry of a mapping is edited beside its value.
    return <Templates.WrapIfAdditionalTemplate {...properties}><Box data-path={id}>{children}</Box></Templates.WrapIfAdditionalTemplate>;
  }
  const ownsHelp = uiSchema["ui:field"] === "yaml" || schema.type === "boolean";
  return (
    <Box data-path={id} data-level={options.level}>
      {children}
      {!ownsHelp && <FormHelperText>{uiSchema["ui:description"]}</FormHelperText>}
      {!ownsHelp && <FormHelperText sx={{ fontStyle: "italic" }}>{uiSchema["ui:help"]}</FormHelperText>}
      {(rawErrors ?? []).map((error) => <FormHelperText error key={error}>{error}</FormHelperText>)}
    </Box>
  );
}

function Grid({ elements }) {
  return (
    <Box sx={{ display: "grid", gridTemplateColumns: "repeat(auto-fill, minmax(300px, 1fr))", columnGap: 3, rowGap: 2.5, my: 1.5 }}>
      {elements.map(({ name, content, isWide }) => <Box key={name} sx={isWide ? { gridColumn: "1 / -1" } : {}}>{content}</Box>)}
    </Box>
  );
}

function levels(uiSchema) {
  if (uiSchema?.["ui:options"]?.level) {
    return [uiSchema["ui:options"].level];
  }
  return Object.entries(uiSchema ?? {}).filter(([key]) => !key.startsWith("ui:") && key !== "items").flatMap(([, inner]) => levels(inner));
}

/** The fields of a group: basic ones at once, the others folded. */
function ObjectFieldTemplate({ title, description, properties, uiSchema, schema, formContext, registry, fieldPathId }) {
  const language = (formContext ?? registry?.formContext)?.language ?? "en";
  if (!uiSchema?.["ui:order"]) {
    return <Templates.ObjectFieldTemplate {...arguments[0]} />;
  }
  const sorted = { basic: [], advanced: [], expert: [] };
  for (const { name, content } of properties) {
    const found = levels(uiSchema[name]);
    const level = ["basic", "advanced", "expert"].find((one) => found.includes(one)) ?? "expert";
    const property = schema.properties?.[name];
    const isWide = Boolean(property?.properties) || ["array", "object"].includes(property?.type);
    sorted[level].push({ name, content, isWide });
  }
  const isRoot = fieldPathId?.$id === "root";
  return (
    <Box sx={isRoot ? {} : { borderLeft: "3px solid #dbe4ee", pl: 2, my: 1 }}>
      {!isRoot && <Typography variant="subtitle1" sx={{ fontWeight: 600 }}>{title}</Typography>}
      {!isRoot && description && <Typography variant="body2" color="text.secondary">{description}</Typography>}
      <Grid elements={sorted.basic} />
      {["advanced", "expert"].filter((level) => sorted[level].length > 0).map((level) => (
        <Accordion key={level} variant="outlined" disableGutters sx={{ my: 1 }}>
          <AccordionSummary expandIcon={<ExpandMore />}><Typography variant="body2">{words[language][level]}</Typography></AccordionSummary>
          <AccordionDetails><Grid elements={sorted[level]} /></AccordionDetails>
        </Accordion>
      ))}
    </Box>
  );
}

const nothing = () => null;

/** The form. */
export function RjsfPage({ files, language, values, onChange }) {
  return (
    <Form
      schema={files.schema}
      uiSchema={{ ...files.ui, "ui:submitButtonOptions": { norender: true } }}
      formData={values}
      formContext={{ language }}
      validator={validator}
      idSeparator="."
      liveValidate
      showErrorList={false}
      onChange={(event) => onChange(event.formData)}
      fields={{ yaml: YamlField }}
      templates={{ FieldTemplate, ObjectFieldTemplate, DescriptionFieldTemplate: nothing, FieldHelpTemplate: nothing, FieldErrorTemplate: nothing }}
    >
      <></>
    </Form>
  );
}
