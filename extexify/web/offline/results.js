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

// Whether the probabilities of the first `summed` predictions, most probable first, add up to less than `threshold`.
// 0, which a model of no more than `summed` classes always has, rejects nothing.
export function isRejected(predictions, summed, threshold) {
  return total(predictions.slice(0, summed)) < threshold;
}

function total(predictions) {
  return predictions.reduce((sum, { probability }) => sum + probability, 0);
}
