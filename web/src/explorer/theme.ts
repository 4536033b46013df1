/** Colors of the editors. The theme names are GraphiQL's, so these definitions replace its themes. */

interface Theme {
  base: "vs" | "vs-dark";
  inherit: boolean;
  rules: { token: string; foreground: string; fontStyle?: string }[];
  colors: Record<string, string>;
}

function theme(
  base: Theme["base"],
  syntax: Record<string, string>,
  colors: { panel: string; text: string; accent: string; soft: string },
): Theme {
  return {
    base,
    inherit: true,
    rules: Object.entries(syntax).map(([token, foreground]) => ({ token, foreground })),
    colors: {
      "editor.background": "#00000000",
      "editor.foreground": colors.text,
      "editorLineNumber.foreground": colors.soft,
      "editorLineNumber.activeForeground": colors.text,
      "editorBracketHighlight.foreground1": colors.text,
      "editorBracketHighlight.foreground2": colors.text,
      "editorBracketHighlight.foreground3": colors.text,
      "scrollbar.shadow": "#00000000",
      focusBorder: colors.accent,
      "textLink.foreground": colors.accent,
      "textLink.activeForeground": colors.accent,
      "editorLink.activeForeground": colors.accent,
      "editorHoverWidget.background": colors.panel,
      "editorSuggestWidget.background": colors.panel,
      "editorSuggestWidget.selectedBackground": `${colors.accent}33`,
      "editorSuggestWidget.highlightForeground": colors.accent,
      "editorWidget.background": colors.panel,
      "quickInput.background": colors.panel,
      "menu.background": colors.panel,
      "menu.selectionBackground": `${colors.accent}33`,
      "menu.selectionForeground": colors.text,
      "list.hoverBackground": `${colors.accent}22`,
      "list.highlightForeground": colors.accent,
    },
  };
}

export const THEMES: Record<string, Theme> = {
  "graphiql-LIGHT": theme(
    "vs",
    {
      comment: "5b6570",
      keyword: "7a2f8f",
      "key.identifier.gql": "0a4fa3",
      "type.identifier.gql": "0b6b57",
      "argument.identifier.gql": "8a4b00",
      string: "17643a",
      number: "a3201d",
      "string.key.json": "0a4fa3",
      "string.value.json": "17643a",
      "keyword.json": "7a2f8f",
    },
    { panel: "#ffffff", text: "#1c2024", accent: "#0a4fa3", soft: "#6b7480" },
  ),
  "graphiql-DARK": theme(
    "vs-dark",
    {
      comment: "9aa5b1",
      keyword: "d7a6f0",
      "key.identifier.gql": "8ec1ff",
      "type.identifier.gql": "72d6c1",
      "argument.identifier.gql": "f0b866",
      string: "8fd9a8",
      number: "ffb199",
      "string.key.json": "8ec1ff",
      "string.value.json": "8fd9a8",
      "keyword.json": "d7a6f0",
    },
    { panel: "#21262b", text: "#e7eaee", accent: "#8ec1ff", soft: "#8e99a6" },
  ),
};
