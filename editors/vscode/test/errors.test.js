"use strict";

const assert = require("node:assert");
const test = require("node:test");

const { parse } = require("../errors.js");

test("krach names the line, and says what is wrong, where, and what would work", () => {
  const text = [
    'C:\\my songs\\a, line 3.py, line 8: bass @ "A1 . H1"',
    'unknown word "H1"',
    "  A1 . H1",
    "       ^",
    "a hit is x",
    "what played plays on",
    "",
  ].join("\r\n");
  const { line, message } = parse(text, "C:\\my songs\\a, line 3.py");
  assert.strictEqual(line, 7);
  assert.strictEqual(message.split("\n")[0], 'unknown word "H1"');
  assert.strictEqual(message.split("\n").length, 5);
});

test("of a traceback the innermost line of the file counts, and its last line", () => {
  const text = [
    "Traceback (most recent call last):",
    '  File "song.py", line 12, in <module>',
    "    play()",
    '  File "song.py", line 4, in play',
    "    1 / 0",
    '  File "/lib/else.py", line 90, in f',
    "ZeroDivisionError: division by zero",
  ].join("\n");
  assert.deepStrictEqual(parse(text, "song.py"), { line: 3, message: "ZeroDivisionError: division by zero" });
});

test("a mistake in the syntax has no traceback, and what was printed before it is no mistake", () => {
  const text = ['printed, line 2', '  File "song.py", line 7', "    x = (", "        ^", "SyntaxError: '(' was never closed"];
  assert.deepStrictEqual(parse(text.join("\n"), "song.py"), {
    line: 6,
    message: "SyntaxError: '(' was never closed",
  });
});

test("what names no line is told whole", () => {
  const text = "no prompt is running\nstart one with `krach`\nwhat played plays on\n";
  assert.deepStrictEqual(parse(text, "song.py"), { line: undefined, message: text.trim() });
  assert.deepStrictEqual(parse("Traceback (most recent call last):\n  x\nE: y\n", "song.py").message, "E: y");
});
