"use strict";

const assert = require("node:assert");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const test = require("node:test");

const { blockAt, blocks } = require("../blocks.js");

const CASES = JSON.parse(readFileSync(join(__dirname, "../../blocks.json"), "utf8"));

for (const { name, text, blocks: wanted } of CASES) {
  test(name, () => {
    assert.deepStrictEqual(blocks(text), wanted);
    text.forEach((_, line) => {
      const owner = wanted.filter(([first]) => first <= line).pop();
      assert.deepStrictEqual(blockAt(text, line), owner, `line ${line}`);
    });
  });
}
