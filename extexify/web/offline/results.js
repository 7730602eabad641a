// Predictions → results, as extexify/model/answers.py and extexify/model/rejection.py make them. Tests hold the two against each other.

// predictions: [{key, probability}, …] of different symbols, most probable first; symbols: {key: {group, commonness}},
// as symbols.json has them → what is drawn alike as one result each, [{members: [prediction, …], probability}, …], most
// probable first; its members by how probable and how common they are.
export function foldLookAlikes(predictions, symbols) {
  const wanted = ({ key, probability }) => probability * symbols[key].commonness;
  const groups = new Map();
  for (const prediction of [...predictions].sort((one, other) => wanted(other) - wanted(one))) {
    const { group } = symbols[prediction.key];
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(prediction);
  }
  return [...groups.values()]
    .map((members) => ({ members, probability: total(members) }))
    .sort((one, other) => other.probability - one.probability);
}

// Whether the first `few` predictions, most probable first, have less together than a model's `doubt` (0: never).
export function isRejected(predictions, few, doubt) {
  return total(predictions.slice(0, few)) < doubt;
}

function total(predictions) {
  return predictions.reduce((sum, { probability }) => sum + probability, 0);
}
