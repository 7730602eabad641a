// What a visitor picked before comes first the next time. The counts are kept in the browser alone.

const PICKS_KEY = "extexify-picks"; // in the browser's local storage
const MOST_PICKS = 6; // of a symbol that are counted
const NEARER = 4; // by this factor each pick moves a symbol towards the first place among its look-alikes,
const LIKELIER = 2; // and by this one an answer of which something was picked seems likelier

// The number of picks by key.
function readPicks() {
  try {
    const stored = JSON.parse(remembered(PICKS_KEY)) ?? {};
    return Object.fromEntries(Object.entries(stored).filter(([, count]) => Number.isInteger(count) && count > 0));
  } catch {
    return {}; // another program's text
  }
}

function recordPick(key) {
  const picks = readPicks();
  remember(PICKS_KEY, JSON.stringify({ ...picks, [key]: Math.min((picks[key] ?? 0) + 1, MOST_PICKS) }));
}

// Answers (see answer_rows.js) in the order for this visitor.
function inOrderOfPicks(answers) {
  const picks = readPicks();
  const count = (symbol) => picks[symbol.key] ?? 0;
  const score = (answer) => answer.probability * ([answer, ...answer.alike].some(count) ? LIKELIER : 1);
  return answers.map((answer) => headedByPick(answer, count)).sort((one, other) => score(other) - score(one));
}

function headedByPick(answer, count) {
  if (![answer, ...answer.alike].some(count)) return answer;
  const { probability, percent, alike, ...first } = answer;
  // A look-alike without a glyph prints like the first one.
  const symbols = [first, ...alike.map((symbol) => ({ ...symbol, svg: symbol.svg ?? first.svg }))];
  const places = symbols.map((symbol, index) => [symbol, (index + 1) / NEARER ** count(symbol)]);
  const [head, ...rest] = places.sort(([, one], [, other]) => one - other).map(([symbol]) => symbol);
  return { ...head, probability, percent, alike: rest };
}

// Shows the button that forgets the picks, if there are any; `forgotten` is called afterwards.
function offerToForget(button, forgotten) {
  button.hidden = !Object.keys(readPicks()).length;
  button.onclick = () => {
    remember(PICKS_KEY, null);
    button.hidden = true;
    forgotten();
  };
}
