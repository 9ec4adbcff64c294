// Differences of two texts by line: the longest common subsequence, with two lines around each change.

const AROUND = 2;

function compared(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const rest = () => Math.min(before.length, after.length) - start;
  while (end < rest() && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const old = before.slice(start, before.length - end);
  const now = after.slice(start, after.length - end);
  const same = (line) => ["same", line];
  return [...before.slice(0, start).map(same), ...changed(old, now), ...before.slice(before.length - end).map(same)];
}

function changed(old, now) {
  // common[i][j]: how many lines the ends of both texts, from i and from j on, have in common.
  const common = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1)
    for (let j = now.length - 1; j >= 0; j -= 1)
      common[i][j] = old[i] === now[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const lines = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push(["same", old[i]]);
      i += 1;
      j += 1;
    } else if (i < old.length && (j >= now.length || common[i + 1][j] >= common[i][j + 1])) {
      lines.push(["gone", old[i]]);
      i += 1;
    } else {
      lines.push(["new", now[j]]);
      j += 1;
    }
  }
  return lines;
}

// Only the lines that differ, with a few lines around them; null replaces lines that are left out.
function shortened(lines) {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some(([kind]) => kind !== "same"));
  const shown = [];
  lines.forEach((line, at) => {
    if (near[at]) shown.push(line);
    else if (shown.length === 0 || shown.at(-1) !== null) shown.push(null);
  });
  return shown;
}
