// Hands a block to the prompt that runs, through the command `krach send`.
"use strict";

const { spawn } = require("node:child_process");

/** Resolves to `{ done, text }`: whether the block held, and what it printed or what is wrong with it. */
function send(command, text, file, line) {
  return new Promise((resolve) => {
    const child = spawn(command, ["send", "--file", file, "--line", String(line)], {
      env: { ...process.env, PYTHONIOENCODING: "utf-8", PYTHONUTF8: "1" },
      windowsHide: true,
    });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8");
      child[name].on("data", (data) => {
        said[name] += data;
      });
    }
    child.on("error", (error) => {
      const hint = "the setting krach.command names it";
      resolve({ done: false, text: `${command} cannot be started: ${error.message}\n${hint}` });
    });
    child.on("close", (status) => {
      const done = status === 0;
      resolve({ done, text: done ? said.stdout : said.stderr || `${command} ended with ${status}` });
    });
    // A command that ends without reading is told by its status.
    child.stdin.on("error", () => {});
    child.stdin.end(text);
  });
}

module.exports = { send };
