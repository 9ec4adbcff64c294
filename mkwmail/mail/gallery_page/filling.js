"use strict";

// Filling: the work of mkwmail/mail/merge.py and letter.py, for the selected mail.
// A line is a number (a line that letters share) or segments: texts, and holes as [field's number, place].

const HTML_SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };

function percentEncoded(text) {
  // RFC 3986 §2.3: letters, digits and - . _ ~ stay; encodeURIComponent leaves five more.
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => "%" + sign.charCodeAt(0).toString(16).toUpperCase());
}

function attributeText(text) {
  return text.replace(/[&<>"']/g, (sign) => HTML_SIGNS[sign]);
}

const ESCAPES = {
  text: (text) => text,
  html: (text) => text.replace(/[&<>]/g, (sign) => HTML_SIGNS[sign]),
  attribute: attributeText,
  url: percentEncoded,
  link: attributeText,
  address: percentEncoded,
  calendar: (text) =>
    text
      .replace(/\r\n?/g, "\n")
      .replaceAll("\\N", "\n")
      .replace(/[\\;,]/g, (sign) => "\\" + sign)
      .replaceAll("\n", "\\n"),
  parameter: (text) => '"' + text.replace(/["^\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, "") + '"',
};

// A line with its holes filled; `change` is applied to the letter's own text, never to a value.
function filled(line, shared, values, change = (text) => text) {
  if (typeof line === "number") return change(shared[line]);
  return line.map((part) => (typeof part === "string" ? change(part) : ESCAPES[part[1]](values[part[0]]))).join("");
}

const WIDTH = 76;
const HANG = /[\ue200-\ue2ff]/g;

function length(text) {
  let characters = 0;
  for (const _ of text) characters += 1;
  return characters;
}

// White space as Python's str.strip() knows it.
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const TRAILING = new RegExp(SPACE + "+$");
const BLANK = new RegExp("^" + SPACE + "*$");

// A line of plain text as lines of at most 76 characters; a longer word stays whole.
function wrapped(line) {
  const signs = line.match(HANG);
  if (signs === null && length(line) <= WIDTH) return [line.replace(TRAILING, "")];
  const start = (text) => text.length - text.replace(/^ +/, "").length;
  const hang = signs === null ? start(line) : signs[0].charCodeAt(0) - 0xe200;
  const plain = line.replace(HANG, "");
  if (length(plain) <= WIDTH) return [plain.replace(TRAILING, "")];
  return words(plain.slice(start(plain)), " ".repeat(start(plain)), " ".repeat(hang));
}

// Tabs as spaces up to the next multiple of eight characters, as Python's str.expandtabs() has it.
function withoutTabs(text) {
  const [start, ...parts] = text.split("\t");
  return parts.reduce((before, part) => before + " ".repeat(8 - (length(before) % 8)) + part, start);
}

// Python's textwrap.wrap without breaking words.
function words(text, first, others) {
  const chunks = withoutTabs(text).replace(/[\n\v\f\r]/g, " ").split(/( +)/).filter(Boolean);
  const lines = [];
  while (chunks.length) {
    const indent = lines.length ? others : first;
    const room = WIDTH - indent.length;
    if (lines.length && BLANK.test(chunks[0])) chunks.shift();
    const line = [];
    let taken = 0;
    while (chunks.length && taken + length(chunks[0]) <= room) {
      taken += length(chunks[0]);
      line.push(chunks.shift());
    }
    if (chunks.length && !line.length) line.push(chunks.shift());
    if (line.length && BLANK.test(line.at(-1))) line.pop();
    if (line.length) lines.push(indent + line.join(""));
  }
  return lines;
}

// The plain text of a letter with these values, as lines.
function textLines(letter, shared, values) {
  return letter.text.flatMap((line) =>
    typeof line === "number" ? [shared[line]] : wrapped(filled(line, shared, values)),
  );
}

// White space collapsed, as in a header field.
function inOneLine(text) {
  return text.split(new RegExp(SPACE + "+")).filter(Boolean).join(" ");
}
