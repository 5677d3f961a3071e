// What `krach send` says of a mistake.
"use strict";

/**
 * The line, counted from 0, and the text of a mistake in a file. The line is `undefined` where none is named.
 *
 * krach says `<file>, line 8: kr.gain(…)` and then what is wrong; Python says `File "<file>", line 8` and has what is
 * wrong in its last line.
 */
function parse(text, file) {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  let line;
  let isPython = false;
  let from = 0;
  lines.forEach((each, number) => {
    const own = each.startsWith(`${file}, line `) ? each.slice(file.length + 7) : undefined;
    const quoted = `File "${file}", line `;
    const at = each.indexOf(quoted);
    const given = own ?? (at < 0 ? undefined : each.slice(at + quoted.length));
    const found = given === undefined ? null : /^\d+/.exec(given);
    if (found !== null) {
      line = Number(found[0]) - 1;
      isPython = own === undefined;
      from = number + 1;
    }
  });
  isPython ||= lines.some((each) => each.startsWith("Traceback "));
  const message = isPython ? lines.slice(-1) : lines.slice(from);
  return { line, message: message.join("\n") };
}

module.exports = { parse };
