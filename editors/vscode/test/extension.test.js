// The extension in an editor that is made of the few calls it takes; the command is a real one, in a process.
"use strict";

const assert = require("node:assert");
const { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } = require("node:fs");
const { registerHooks } = require("node:module");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const test = require("node:test");

const folder = mkdtempSync(join(tmpdir(), "krach-vscode-"));
const asked = join(folder, "asked.json");
let command = join(folder, "krach");

// Answers as the prompt does: the first word of the block says what comes of it.
writeFileSync(
  command,
  `#!${process.execPath}
const text = require("node:fs").readFileSync(0, "utf8");
const [, , ...args] = process.argv;
require("node:fs").writeFileSync(${JSON.stringify(asked)}, JSON.stringify({ args, text }));
if (text.startsWith("bad")) {
  console.error(args[2] + ", line " + (Number(args[4]) + 1) + ": x\\nunknown word");
  process.exit(1);
}
console.log("first\\n3");
`,
);
chmodSync(command, 0o755);
test.after(() => rmSync(folder, { recursive: true }));

class Range {
  constructor(first, from, last, to) {
    this.start = { line: first, character: from };
    this.end = { line: last, character: to };
  }
}

const commands = {};
const marks = new Map();
const messages = [];
let editor;

const vscode = {
  Range,
  ThemeColor: class {},
  Diagnostic: class {
    constructor(range, message, severity) {
      Object.assign(this, { range, message, severity });
    }
  },
  DiagnosticSeverity: { Error: 0 },
  commands: { registerCommand: (name, run) => (commands[name] = run) },
  languages: {
    createDiagnosticCollection: () => ({
      get: (uri) => marks.get(uri),
      set: (uri, found) => marks.set(uri, found),
      delete: (uri) => marks.delete(uri),
    }),
  },
  window: {
    createTextEditorDecorationType: (options) => ({ options }),
    setStatusBarMessage: (text) => messages.push(text),
    showErrorMessage: (text) => messages.push(text),
    get activeTextEditor() {
      return editor;
    },
  },
  workspace: {
    getConfiguration: () => ({ get: () => command }),
    onDidCloseTextDocument: () => ({}),
  },
};

globalThis.krachTestEditor = vscode;
registerHooks({
  resolve: (name, context, next) =>
    name === "vscode" ? { url: "krach:vscode", format: "commonjs", shortCircuit: true } : next(name, context),
  load: (url, context, next) =>
    url === "krach:vscode"
      ? { format: "commonjs", source: "module.exports = globalThis.krachTestEditor;", shortCircuit: true }
      : next(url, context),
});
require("../extension.js").activate({ subscriptions: [] });

/** An editor with a text, whose cursor stands in a line; `select` is `[first, from, last, to]`. */
function opened(lines, cursor, select) {
  const selection = new Range(...(select ?? [cursor, 0, cursor, 0]));
  const drawn = [];
  editor = {
    drawn,
    selection: { ...selection, isEmpty: select === undefined, active: { line: cursor } },
    setDecorations: (type, ranges) => drawn.push({ type, ranges }),
    document: {
      fileName: "/songs/a.py",
      uri: "a",
      lineCount: lines.length,
      getText: (range) =>
        range === undefined ? lines.join("\n") : lines.slice(range.start.line, range.end.line + 1).join("\n"),
      lineAt: (number) => ({
        text: lines[number],
        firstNonWhitespaceCharacterIndex: lines[number].search(/\S|$/),
      }),
    },
  };
  marks.clear();
  return editor;
}

test("the block at the cursor is sent with its file and line, flashed, and its value stands behind it", async () => {
  const { drawn } = opened(["a = 1", "", "good()", "b()", ""], 4);
  await commands["krach.send"]();
  const { args, text } = JSON.parse(readFileSync(asked, "utf8"));
  assert.deepStrictEqual(args, ["send", "--file", "/songs/a.py", "--line", "3"]);
  assert.strictEqual(text, "good()\nb()");
  assert.deepStrictEqual(drawn[0].ranges, [new Range(2, 0, 3, 3)]);
  const [shown] = drawn.at(-1).ranges;
  assert.deepStrictEqual([shown.range.start.line, shown.renderOptions.after.contentText], [3, "=> 3"]);
});

test("a selection is sent as whole lines, without the one that it ends at the margin of", async () => {
  opened(["def f():", "    bad()", "", "x = 1"], 1, [1, 6, 3, 0]);
  await commands["krach.send"]();
  assert.strictEqual(JSON.parse(readFileSync(asked, "utf8")).text, "    bad()\n");
});

test("a mistake is marked at its line until that block holds; those of other blocks stay", async () => {
  const { document } = opened(["bad(", "  y)", "", "good()"], 0);
  const other = { range: new Range(3, 0, 3, 6), message: "older" };
  marks.set("a", [other]);
  await commands["krach.send"]();
  const [kept, found] = marks.get("a");
  assert.strictEqual(kept, other);
  assert.deepStrictEqual([found.range, found.message], [new Range(1, 2, 1, 4), "unknown word"]);
  document.getText = (range) => (range === undefined ? "fine(\n  y)\n\ngood()" : "fine(\n  y)");
  await commands["krach.send"]();
  assert.deepStrictEqual(marks.get("a"), [other]);
});

test("where there is no block, or no command, it is said", async () => {
  opened(["", "a = 1"], 0);
  await commands["krach.send"]();
  assert.match(messages.at(-1), /no block/);
  command = "/nowhere/krach";
  opened(["a = 1"], 0);
  await commands["krach.send"]();
  assert.match(marks.get("a")[0].message, /\/nowhere\/krach cannot be started.*\n.*krach\.command/);
  await commands["krach.stop"]();
  assert.match(messages.at(-1), /cannot be started/);
});
