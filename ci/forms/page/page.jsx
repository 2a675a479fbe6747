// The page that shows a chart's form as a platform would: with RJSF or with JSON Forms, in English or in Chinese.
//
//   page?chart=NAME&library=rjsf|json-forms&language=en|zh-CN
//
// What a program needs that fills the form: `window.midships.values()` and `window.midships.show(values)`.
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { flushSync } from "react-dom";
import { AppBar, Box, Chip, Container, CssBaseline, Link, Paper, Stack, ThemeProvider, Toolbar, Typography, createTheme } from "@mui/material";
import { JsonFormsPage } from "./json-forms.jsx";
import { RjsfPage } from "./rjsf.jsx";

const query = new URLSearchParams(location.search);
const chart = query.get("chart") ?? "rocketmq";
const library = query.get("library") ?? "rjsf";
const language = query.get("language") ?? "en";
const words = {
  en: { title: `Install ${chart}`, chart: "chart", other: "中文", values: "Values that differ from the defaults" },
  "zh-CN": { title: `安装 ${chart}`, chart: "Chart", other: "English", values: "与默认值不同的取值" },
}[language];
const theme = createTheme({
  palette: { primary: { main: "#0b5cad" }, background: { default: "#f4f6f8" } },
  shape: { borderRadius: 8 },
  typography: { fontFamily: "Inter, 'Noto Sans CJK SC', 'Noto Sans SC', 'DejaVu Sans', sans-serif", fontSize: 13 },
  components: {
    MuiFormControl: { defaultProps: { size: "small", fullWidth: true } },
    MuiTextField: { defaultProps: { size: "small", fullWidth: true } },
    MuiSelect: { defaultProps: { size: "small" } },
    MuiTab: { styleOverrides: { root: { textTransform: "none" } } },
  },
});

/** What a person has changed: the values without those that are the defaults. */
function given(values, defaults) {
  const entries = Object.entries(values).flatMap(([name, value]) => {
    const before = defaults?.[name];
    if (value && typeof value === "object" && !Array.isArray(value) && before && Object.keys(before).length > 0) {
      const inner = given(value, before);
      return Object.keys(inner).length > 0 ? [[name, inner]] : [];
    }
    return value === undefined || JSON.stringify(value) === JSON.stringify(before) ? [] : [[name, value]];
  });
  return Object.fromEntries(entries);
}

function defaultsOf(schema) {
  if (!schema.properties) {
    return schema.default;
  }
  const entries = Object.entries(schema.properties).filter(([, property]) => !property["x-hidden"]);
  return Object.fromEntries(entries.map(([name, property]) => [name, defaultsOf(property)]));
}

function App({ files }) {
  const defaults = defaultsOf(files.model);
  const [values, setValues] = useState(defaults);
  // What a library begins with that keeps the values itself: handing its own, perhaps older ones back to it would undo edits.
  const [shown, setShown] = useState(defaults);
  useEffect(() => {
    window.midships = {
      values: () => given(values, defaults),
      show: (other) => flushSync(() => {
        setShown(other);
        setValues(other);
      }),
    };
  });
  const Page = library === "rjsf" ? RjsfPage : JsonFormsPage;
  const other = new URLSearchParams({ chart, library, language: language === "en" ? "zh-CN" : "en" });
  return (
    <ThemeProvider theme={theme}>
      <CssBaseline />
      <AppBar position="static" elevation={0}>
        <Toolbar>
          <Typography variant="h6" sx={{ flexGrow: 1 }}>{words.title}</Typography>
          <Stack direction="row" spacing={1.5} alignItems="center">
            <Chip size="small" sx={{ color: "white", borderColor: "rgba(255,255,255,.6)" }} variant="outlined" label={`${words.chart} ${chart}`} />
            <Link href={`?${other}`} color="inherit">{words.other}</Link>
          </Stack>
        </Toolbar>
      </AppBar>
      <Container maxWidth="md" sx={{ py: 3 }}>
        <Paper variant="outlined" sx={{ p: 3 }}>
          <Page files={files} language={language} values={library === "rjsf" ? values : shown} onChange={setValues} />
        </Paper>
        <Box sx={{ mt: 3 }}>
          <Typography variant="subtitle2" color="text.secondary">{words.values}</Typography>
          <Paper variant="outlined" component="pre" id="values" sx={{ p: 2, fontSize: 13, overflow: "auto" }}>
            {JSON.stringify(given(values, defaults), null, 2)}
          </Paper>
        </Box>
      </Container>
    </ThemeProvider>
  );
}

async function start() {
  const load = async (kind) => (await fetch(`schemas/${chart}.${kind}`)).json();
  const [model, schema, ui, texts] = await Promise.all(
    library === "rjsf"
      ? [load("model.json"), load("rjsf.schema.json"), load(`rjsf.ui.${language}.json`)]
      : [load("model.json"), load("json-forms.schema.json"), load("json-forms.ui.json"), load(`json-forms.${language}.json`)],
  );
  document.documentElement.lang = language;
  document.title = words.title;
  createRoot(document.getElementById("root")).render(<App files={{ model, schema, ui, texts }} />);
}

start();
