// The form in JSON Forms, with the renderers for Material; every control is wrapped so that its path can be found.
import { rankWith, uiTypeIs } from "@jsonforms/core";
import { JsonForms, JsonFormsDispatch, withJsonFormsControlProps } from "@jsonforms/react";
import { materialCells, materialRenderers } from "@jsonforms/material-renderers";
import { Box, FormHelperText, TextField } from "@mui/material";
import { useMemo, useState } from "react";
import yaml from "js-yaml";

const pathOf = (scope) => scope.replace("#/properties/", "").replaceAll("/properties/", ".");

/** Text in YAML for values that no other control shows. */
function Yaml({ data, handleChange, path, label, description, visible, schema }) {
  const [text, setText] = useState(undefined);
  if (!visible) {
    return null;
  }
  const isEmpty = data === undefined || Object.keys(data).length === 0;
  const change = (event) => {
    setText(event.target.value);
    try {
      handleChange(path, yaml.load(event.target.value) ?? schema.default);
    } catch {
      // The text stays until it is YAML.
    }
  };
  return (
    <Box sx={{ my: 1 }}>
      <TextField fullWidth multiline minRows={2} label={label} value={text ?? (isEmpty ? "" : yaml.dump(data))} onChange={change}
        slotProps={{ htmlInput: { style: { fontFamily: "monospace" } } }} />
      <FormHelperText>{description}</FormHelperText>
    </Box>
  );
}

const isMapping = (uischema, schema) => {
  const field = uischema.scope?.replace("#/", "").split("/").reduce((inner, step) => inner?.[step], schema);
  return uischema.options?.picker === "yaml" || (field?.type === "object" && !field.properties);
};
const yamlRenderer = {
  tester: (uischema, schema) => (uischema.type === "Control" && isMapping(uischema, schema) ? 50 : -1),
  renderer: withJsonFormsControlProps(Yaml),
};
const inner = [...materialRenderers, yamlRenderer];

/** A control with its path. */
function Marked({ uischema, schema, path }) {
  return (
    <Box data-path={`root.${pathOf(uischema.scope)}`} sx={{ "&:not(:empty)": { my: 1.5 } }}>
      <JsonFormsDispatch uischema={uischema} schema={schema} path={path} renderers={inner} />
    </Box>
  );
}

const renderers = [...inner, { tester: rankWith(100, uiTypeIs("Control")), renderer: Marked }];

const CONFIG = { showUnfocusedDescription: true, hideRequiredAsterisk: true };

/** The form. */
export function JsonFormsPage({ files, language, values, onChange }) {
  const i18n = useMemo(() => ({
    locale: language,
    translate: (key, fallback) => files.texts[key] ?? fallback,
    translateError: (error, translate) => translate(`error.${error.keyword}`, error.message),
  }), [files, language]);
  return (
    <JsonForms
      schema={files.schema}
      uischema={files.ui}
      data={values}
      renderers={renderers}
      cells={materialCells}
      config={CONFIG}
      i18n={i18n}
      onChange={({ data }) => onChange(data)}
    />
  );
}
