// Ranking, folding look-alikes and rejection: the JavaScript counterpart of extexify/model/ranking.py, answers.py and
// rejection.py. Tests compare the two.

// The probabilities that symbols are wanted, from those of a drawing: predictions: [{key, probability}, …] of all
// classes; symbols: {key: {usage}} of symbols.json.
export function rankByUsage(predictions, symbols) {
  const weighted = predictions.map(({ key, probability }) => ({ key, probability: probability * symbols[key].usage[0] }));
  const sum = total(weighted);
  return weighted.map(({ key, probability }) => ({ key, probability: probability / sum }));
}

// predictions: [{key, probability}, …] of different symbols; symbols: {key: {group, usage}} of symbols.json. Returns one
// result for each group of look-alikes, [{members: [prediction, …], probability}, …], most probable first; members are
// sorted by probability and, `byUsage`, by how usual each is among its look-alikes.
export function foldLookAlikes(predictions, symbols, byUsage = true) {
  const weight = ({ key, probability }) => probability * (byUsage ? symbols[key].usage[1] : 1);
  const groups = new Map();
  for (const prediction of predictions) {
    const { group } = symbols[prediction.key];
    if (groups.has(group)) groups.get(group).push(prediction);
    else groups.set(group, [prediction]);
  }
  return [...groups.values()]
    .map((members) => members.sort((one, other) => weight(other) - weight(one)))
    .map((members) => ({ members, probability: total(members) }))
    .sort((one, other) => other.probability - one.probability);
}

// Whether the probabilities of the `summed` most probable predictions add up to less than the rejection threshold. A
// model without a threshold, or with no more than `summed` classes, has 0 and rejects nothing.
export function isRejected(predictions, summed, threshold) {
  return total(predictions.slice(0, summed)) < threshold;
}

function total(predictions) {
  return predictions.reduce((sum, { probability }) => sum + probability, 0);
}
