// Blocks of a Python file: what stands between empty lines at the margin. `../blocks.json` has examples; the plugin for
// Vim finds the same ones.
"use strict";

const CLAUSE = /^(else|elif|except|finally)\b/;

/** For each line whether it begins within a text of several lines or within brackets. */
function within(lines) {
  let quote = "";
  let depth = 0;
  const inside = [];
  lines.forEach((line, number) => {
    // Brackets that are not closed yet take no other block with them.
    if (depth > 0 && quote === "" && /^[\w@#]/.test(line) && isEmpty(lines[number - 1])) {
      depth = 0;
      for (let above = number - 1; isEmpty(lines[above]); above -= 1) {
        inside[above] = false;
      }
    }
    inside[number] = quote !== "" || depth > 0;
    for (let at = 0; at < line.length; at += 1) {
      const sign = line[at];
      if (quote !== "") {
        if (sign === "\\") {
          at += 1;
        } else if (line.startsWith(quote, at)) {
          at += quote.length - 1;
          quote = "";
        }
      } else if (sign === "#") {
        break;
      } else if (sign === '"' || sign === "'") {
        quote = line.startsWith(sign.repeat(3), at) ? sign.repeat(3) : sign;
        at += quote.length - 1;
      } else if ("([{".includes(sign)) {
        depth += 1;
      } else if (")]}".includes(sign)) {
        depth = Math.max(0, depth - 1);
      }
    }
    // Only a text in three quotes goes over the end of a line.
    if (quote.length === 1) {
      quote = "";
    }
  });
  return inside;
}

function isEmpty(line) {
  return line.trim() === "";
}

/** All blocks, as `[first, last]`, counted from 0. */
function blocks(lines) {
  const inside = within(lines);
  const begins = (number) =>
    /^[^\s)\]}]/.test(lines[number]) && !inside[number] && !CLAUSE.test(lines[number]);
  const found = [];
  for (let number = 0; number < lines.length; number += 1) {
    const isApart = number === 0 || (isEmpty(lines[number - 1]) && !inside[number - 1]) || found.length === 0;
    if (begins(number) && isApart) {
      found.push([number, number]);
    } else if (found.length > 0 && (inside[number] || !isEmpty(lines[number]))) {
      found[found.length - 1][1] = number;
    }
  }
  return found;
}

/** The block of a line, or the one above it where it is empty; `undefined` where there is none. */
function blockAt(lines, number) {
  return blocks(lines).findLast(([first]) => first <= number);
}

module.exports = { blockAt, blocks };
