// A page with CodeMirror 6, set up as Overleaf sets it up. Its address may have
//   lines=N        a document of that many lines
//   text=…         this document, and cursor=N in it
//   event=no       no event announces CodeMirror's classes
//   store=only     nothing leads to the view but the store for extensions
//   editor=none    there is no CodeMirror
//   dark, readonly
// For tests, `editor` has the view, and `showToolbar()` makes a new toolbar in place of the old one.

import { defaultKeymap, history, historyKeymap, isolateHistory, redo, undo } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { stex } from "@codemirror/legacy-modes/mode/stex";
import { ChangeSet, EditorSelection, EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  ViewPlugin,
  WidgetType,
  drawSelection,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
  showPanel,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

const PAPER = String.raw`\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}

\title{Draft of a paper}
\begin{document}
\maketitle

\section{Introduction}
Let  be small, and $x  y$ for all of them.
\begin{equation}
  f(x) =  + x^2
\end{equation}

\end{document}
`;

const options = new URLSearchParams(location.search);
document.documentElement.classList.toggle("dark", options.has("dark"));

function text() {
  const lines = Number(options.get("lines"));
  if (!lines) return options.get("text") ?? PAPER;
  const [start, end] = PAPER.split("\\end{document}");
  const missing = lines - PAPER.split("\n").length;
  const body = Array.from({ length: missing }, (_, line) => `Line ${line}, where $a_{${line}} + b$ stands.\n`).join("");
  return `${start}${body}\\end{document}${end}`;
}

// --- toolbar ------------------------------------------------------------------------------------

const toolbar = document.createElement("div");
toolbar.id = "ol-cm-toolbar-wrapper";

function showToolbar() {
  toolbar.innerHTML = `
    <div role="toolbar" aria-label="Editor" class="ol-cm-toolbar toolbar-editor">
      <div class="ol-cm-toolbar-button-group">
        <button type="button" class="ol-cm-toolbar-button" aria-label="Bold"><b>B</b></button>
        <button type="button" class="ol-cm-toolbar-button" aria-label="Italic"><i>I</i></button>
      </div>
      <div class="ol-cm-toolbar-button-group ol-cm-toolbar-stretch"></div>
      <div class="ol-cm-toolbar-button-group ol-cm-toolbar-end">
        <button type="button" class="ol-cm-toolbar-button" aria-label="Search">⌕</button>
      </div>
    </div>`;
}

// --- editor -------------------------------------------------------------------------------------

const colors = options.has("dark") ? ["#8be9fd", "#ffb86c", "#6272a4"] : ["#0451a5", "#a31515", "#6a737d"];
const style = HighlightStyle.define([
  { tag: tags.tagName, color: colors[0] },
  { tag: [tags.keyword, tags.atom], color: colors[1] },
  { tag: tags.comment, color: colors[2] },
]);

const theme = EditorView.theme(
  {
    "&": { backgroundColor: options.has("dark") ? "#282a36" : "#fff" },
    ".cm-scroller": { fontFamily: "'Source Code Pro', monospace", fontSize: "13px" },
    ".cm-gutters, .cm-panels": { backgroundColor: "var(--bar)", color: "var(--text)", borderColor: "var(--line)" },
  },
  { dark: options.has("dark") },
);

function thirdPartyExtensions() {
  const extensions = [];
  if (options.has("event") || options.has("store")) return extensions;
  const CodeMirror = {
    ChangeSet, Decoration, EditorSelection, EditorView, Prec, StateEffect, StateField, ViewPlugin, WidgetType,
    hoverTooltip, keymap, syntaxTree, undo, redo, isolateHistory,
  };
  window.dispatchEvent(
    new CustomEvent("UNSTABLE_editor:extensions", { detail: { CodeMirror, CodeMirrorVim: {}, extensions } }),
  );
  return extensions;
}

function makeEditor() {
  const state = EditorState.create({
    doc: text(),
    selection: { anchor: Number(options.get("cursor")) },
    extensions: [
      lineNumbers(),
      history(),
      drawSelection(),
      highlightActiveLine(),
      EditorView.lineWrapping,
      EditorState.readOnly.of(options.has("readonly")),
      StreamLanguage.define(stex),
      syntaxHighlighting(style),
      theme,
      showPanel.of(() => ({ dom: toolbar, top: true })),
      keymap.of([...defaultKeymap, ...historyKeymap]),
      thirdPartyExtensions(),
    ],
  });
  const place = document.querySelector("#panel-source-editor");
  if (!options.has("store")) return new EditorView({ state, parent: place });
  const root = place.attachShadow({ mode: "open" });
  const view = new EditorView({ state, parent: root, root });
  document.querySelector(".toolbar-header").append(toolbar);
  window.overleaf = { unstable: { store: new Map([["editor.view", view]]) } };
  return view;
}

showToolbar();
if (options.get("editor") === "none") {
  const area = document.createElement("textarea");
  area.value = text();
  document.querySelector("#panel-source-editor").append(toolbar, area);
} else {
  window.editor = makeEditor();
  window.editor.focus();
}
window.showToolbar = showToolbar;
document.documentElement.dataset.ready = "";
