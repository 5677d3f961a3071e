// Sends blocks of Python files into the prompt of krach, flashes them, and shows what comes of it at their lines.
"use strict";

const vscode = require("vscode");

const { blockAt } = require("./blocks.js");
const { parse } = require("./errors.js");
const { send } = require("./send.js");

const FLASH_MS = 200;

let diagnostics;
let flash;
let answer;

function activate(context) {
  diagnostics = vscode.languages.createDiagnosticCollection("krach");
  flash = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("editor.wordHighlightStrongBackground"),
    isWholeLine: true,
  });
  answer = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor("editorCodeLens.foreground"), margin: "0 0 0 2em" },
  });
  const commands = { "krach.send": sendBlock, "krach.stop": stop, "krach.start": start };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(name, run));
  }
  context.subscriptions.push(
    diagnostics,
    flash,
    answer,
    vscode.workspace.onDidCloseTextDocument((document) => diagnostics.delete(document.uri)),
  );
}

function command() {
  return vscode.workspace.getConfiguration("krach").get("command");
}

/** What is selected, or the block at the cursor: whole lines, `[first, last]`. */
function chosen(editor) {
  const { selection, document } = editor;
  if (!selection.isEmpty) {
    const isAtMargin = selection.end.character === 0 && selection.end.line > selection.start.line;
    return [selection.start.line, selection.end.line - (isAtMargin ? 1 : 0)];
  }
  return blockAt(document.getText().split(/\r?\n/), selection.active.line);
}

async function sendBlock() {
  const editor = vscode.window.activeTextEditor;
  const lines = editor && chosen(editor);
  if (!lines) {
    vscode.window.setStatusBarMessage("krach: there is no block here", 3000);
    return;
  }
  const [first, last] = lines;
  const { document } = editor;
  const range = new vscode.Range(first, 0, last, document.lineAt(last).text.length);
  editor.setDecorations(flash, [range]);
  editor.setDecorations(answer, []);
  setTimeout(() => editor.setDecorations(flash, []), FLASH_MS);
  const { done, text } = await send(command(), document.getText(range), document.fileName, first + 1);
  // Mistakes of other blocks stay until those are sent again.
  const others = (diagnostics.get(document.uri) ?? []).filter(
    (each) => each.range.end.line < first || each.range.start.line > last,
  );
  if (done) {
    diagnostics.set(document.uri, others);
    const shown = text.trim().split("\n").pop();
    if (shown) {
      const end = new vscode.Range(last, range.end.character, last, range.end.character);
      editor.setDecorations(answer, [{ range: end, renderOptions: { after: { contentText: `=> ${shown}` } } }]);
    }
    return;
  }
  const { line, message } = parse(text, document.fileName);
  const at = Math.min(line ?? first, document.lineCount - 1);
  const found = document.lineAt(at);
  const place = new vscode.Range(at, found.firstNonWhitespaceCharacterIndex, at, found.text.length);
  const diagnostic = new vscode.Diagnostic(place, message, vscode.DiagnosticSeverity.Error);
  diagnostic.source = "krach";
  diagnostics.set(document.uri, [...others, diagnostic]);
  vscode.window.setStatusBarMessage(`krach: ${message.split("\n")[0]}`, 6000);
}

async function stop() {
  const { done, text } = await send(command(), "kr.stop()", "<stop>", 1);
  if (!done) {
    vscode.window.showErrorMessage(`krach: ${parse(text, "<stop>").message}`);
  }
}

function start() {
  const terminal = vscode.window.createTerminal("krach");
  terminal.show(true);
  terminal.sendText(command());
}

module.exports = { activate };
