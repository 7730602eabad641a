// What a visitor picked before comes first the next time. The counts are kept in the browser alone.

const PICKS_KEY = "extexify-picks"; // in the browser's local storage
const PICKED = 4; // times as likely among its look-alikes does each pick make a symbol,
const MOST_PICKS = 6; // up to this number of picks
const PICKED_ROW = 2; // times as likely is an answer of which something was picked

let picksOfVisit = {}; // for browsers that store nothing

// The number of picks by key.
function readPicks() {
  try {
    const stored = JSON.parse(localStorage.getItem(PICKS_KEY) ?? "{}");
    const counts = Object.entries(stored ?? {}).filter(([, count]) => Number.isInteger(count) && count > 0);
    return Object.fromEntries(counts);
  } catch {
    return picksOfVisit; // storage is blocked, or holds something else
  }
}

function writePicks(picks) {
  picksOfVisit = picks;
  try {
    if (Object.keys(picks).length) localStorage.setItem(PICKS_KEY, JSON.stringify(picks));
    else localStorage.removeItem(PICKS_KEY);
  } catch {
    // As above.
  }
}

function recordPick(key) {
  const picks = readPicks();
  writePicks({ ...picks, [key]: Math.min((picks[key] ?? 0) + 1, MOST_PICKS) });
}

// Answers (see answer_rows.js) in the order for this visitor. `weight`, of an answer and of its look-alikes, is how likely
// each is among these.
function inOrderOfPicks(answers) {
  const picks = readPicks();
  const count = (symbol) => picks[symbol.key] ?? 0;
  const symbols = (answer) => [answer, ...answer.alike];
  const score = (answer) => answer.probability * (symbols(answer).some(count) ? PICKED_ROW : 1);
  return answers.map((answer) => headedByPick(answer, count)).sort((one, other) => score(other) - score(one));
}

function headedByPick(answer, count) {
  const { probability, percent, alike, ...first } = answer;
  // A look-alike without a glyph prints like the first one.
  const symbols = [first, ...alike.map((symbol) => ({ ...symbol, svg: symbol.svg ?? first.svg }))];
  if (!symbols.some(count)) return answer;
  const score = (symbol) => symbol.weight * PICKED ** count(symbol);
  const [head, ...rest] = symbols.sort((one, other) => score(other) - score(one));
  return { ...head, probability, percent, alike: rest };
}

// Shows the button that forgets the picks, if there are any; `changed` is called afterwards.
function offerToForget(button, changed) {
  button.hidden = !Object.keys(readPicks()).length;
  button.onclick = () => {
    writePicks({});
    changed();
  };
}
