// Prints lines of mini-notation with what Strudel plays for them in four cycles: `{"text", "events"}`, each event
// `[begin, key]`. Only signs on which both agree by intent; docs/patterns.md lists the others.
// Usage: node oracle.mjs FOLDER COUNT, where FOLDER has node_modules with @strudel/mini and @strudel/tonal. With `operators` as COUNT: what
// Strudel plays in eight cycles for each of the operators of operators.mjs, `{"text", "events"}` with numbers as keys. With
// `tonal`: the keys that it plays for the degrees of each scale and for each chord of tonal.json below each top note,
// `{"text", "keys"}`. With `bench`: how many nanoseconds it takes to ask for one cycle of each, `{"text", "ns"}`.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, count] = process.argv.slice(2);
// What Strudel says when it is loaded is no line of ours.
console.log = () => {};
console.warn = () => {};
const load = (name) => import(pathToFileURL(createRequire(folder + '/').resolve(name)));
const { mini } = await load('@strudel/mini');
const print = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const onsets = (pattern, from, to) => pattern.queryArc(from, to).filter((hap) => hap.hasOnset());

if (count === 'operators' || count === 'bench') {
  const { operators } = await import('./operators.mjs');
  for (const [text, pattern] of Object.entries(operators(await load('@strudel/core'), mini))) {
    if (count === 'operators') {
      const events = onsets(pattern, 0, 8).map(({ whole, value }) => [whole.begin.toFraction(), Number(value)]);
      print({ text, events });
      continue;
    }
    let ns = Infinity;
    for (let run = 0; run < 25; run++) {
      const begin = process.hrtime.bigint();
      for (let cycle = 0; cycle < 100; cycle++) onsets(pattern, run * 100 + cycle, run * 100 + cycle + 1);
      ns = Math.min(ns, Number(process.hrtime.bigint() - begin) / 100);
    }
    print({ text, ns });
  }
  process.exit();
}

if (count === 'tonal') {
  await load('@strudel/tonal');
  const { noteToMidi, sequence } = await load('@strudel/core');
  const { readFileSync } = await import('node:fs');
  const { scales, chords, tops } = JSON.parse(readFileSync(new URL('./tonal.json', import.meta.url)));
  const degrees = Array.from({ length: 64 }, (_, i) => i / 2 - 12);
  for (const [text, theirs] of scales) {
    const pattern = sequence(...degrees).scale('C4:' + theirs);
    print({ text, keys: onsets(pattern, 0, 1).map(({ value }) => noteToMidi(value)) });
  }
  for (const [chord, theirs] of chords) {
    for (const top of tops) {
      const pattern = sequence({ chord: theirs, anchor: top, dictionary: 'triads' }).voicing();
      const keys = onsets(pattern, 0, 1).map(({ value }) => noteToMidi(value.note));
      print({ text: chord + ' below ' + top, keys: keys.sort((a, b) => a - b) });
    }
  }
  process.exit();
}

let state = 1;
const below = (end) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * end);
};
const one = (list) => list[below(list.length)];
const words = ['45', '48', '52', '57', '60', '62', '~', '-'];
const numbers = ['2', '3', '1.5', '<2 3>', '[2 3]', '<1 [2 1]>', '<2 3 4>*2'];

// Without weights and ! in a polymeter: ours counts them as steps there.
const steps = (depth, weights = true) => {
  const list = Array.from({ length: 1 + below(4) }, () => step(depth, weights));
  // After x!2 a _ holds the last of the two here, and both there; after x@2 a ! repeats its length here only.
  if (weights && below(6) === 0 && !/[!@]/.test(list[0])) list.splice(1, 0, one(['_', '!', '_ _']));
  return list.join(' ');
};
const layers = (depth) => (below(5) === 0 ? `${steps(depth)} , ${steps(depth)}` : steps(depth));
const step = (depth, weights) => {
  const kind = depth === 0 ? 0 : below(7);
  let text = one(words);
  if (kind === 3) text = `[${layers(depth - 1)}]`;
  if (kind === 4) text = `<${steps(depth - 1)}>`;
  if (kind === 5) text = `{${steps(depth - 1, false)}}%${one(['2', '3', '4', '<2 3>'])}`;
  if (kind === 6) text = `{${steps(depth - 1, false)} , ${steps(depth - 1, false)}}`;
  const sign = below(14);
  if (sign === 0) text += `*${one(numbers)}`;
  if (sign === 1) text += `/${one(['2', '3', '1.5', '<1 2>'])}`;
  if (sign === 2 && weights) text += `!${one(['2', '3'])}`;
  if (sign === 3 && weights) text += `@${one(['2', '3', '1.5', '0.5'])}`;
  // Ours plays a whole step in each pulse, Strudel takes what the step has at that time: the same for one word.
  if (sign === 4 && kind < 3) text += one(['(3,8)', '(5,8)', '(-3,8)', '(<3 5>,8)', '(2,<3 4>)', '([3 2],4)']);
  return text;
};

for (let i = 0; i < Number(count); i++) {
  const text = below(12) === 0 ? `${layers(1)} [60 .. ${one(['63', '62'])}]` : layers(2);
  const events = mini(text)
    .queryArc(0, 4)
    .filter((hap) => hap.hasOnset())
    .map(({ whole, value }) => [whole.begin.toFraction(), Number(value)]);
  print({ text, events });
}
