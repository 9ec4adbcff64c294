// Where a sentence is written: the line of a file with the longest runs of its words, around the word that was clicked.

const WORD = /[\p{L}\p{N}_]+/gu;
const wordsOf = (text) => text.toLowerCase().match(WORD) ?? [];

// The sentence of a text around a place in it, and that place in the sentence.
function sentenceAt(text, offset) {
  let start = 0;
  for (const found of text.matchAll(/[.!?…]\s+/g)) {
    const end = found.index + found[0].length;
    if (end > offset) return [text.slice(start, end), offset - start];
    start = end;
  }
  return [text.slice(start), offset - start];
}

// The letters in the longest run of words that two texts share, and whether a run has the word `clicked` of the first.
// A single word is a run if it is all of either.
function sharedRun(one, other, clicked) {
  let best = 0;
  let covers = false;
  let before = [];
  one.forEach((word, i) => {
    const now = [];
    other.forEach((its, j) => {
      if (word !== its) return;
      const [words, letters] = before[j - 1] ?? [0, 0];
      now[j] = [words + 1, letters + word.length];
      if (words === 0 && one.length > 1 && other.length > 1) return;
      best = Math.max(best, now[j][1]);
      covers ||= i - words <= clicked && clicked <= i;
    });
    before = now;
  });
  return [best, covers];
}

// The passage for a sentence, or null: passages are [place, texts, how to copy]. Of equal ones the shortest.
function passageOf([sentence, offset], passages) {
  const words = wordsOf(sentence);
  const ends = [...sentence.matchAll(WORD)].map((found) => found.index + found[0].length);
  const clicked = Math.max(0, ends.findIndex((end) => end > offset));
  let found = null;
  let most = 0;
  const length = (passage) => passage?.[1].join("").length;
  for (const passage of passages) {
    const runs = passage[1].map((text) => sharedRun(words, wordsOf(text), clicked));
    const shared = runs.some(([, covers]) => covers) ? runs.reduce((sum, [letters]) => sum + letters, 0) : 0;
    if (shared > most || (shared && shared === most && length(passage) < length(found))) [found, most] = [passage, shared];
  }
  return found;
}
