// The resampler, the JavaScript counterpart of extexify/drawing/resample.py. Tests compare the two.

import { bounds } from "./raster.js";

const CHANNELS = 6; // x, y, the direction's unit vector, 1 at the beginning of a stroke, 1 at the end of one

const f32 = Math.fround;

// strokes: [[[x, y], …], …]; settings: a model's {points}. Returns a Float32Array (6 × points), channel by channel.
export function resample(strokes, { points: wanted }) {
  const sequence = Array.from({ length: CHANNELS }, () => new Float32Array(wanted));
  const drawing = strokes.map((stroke) => stroke.map(([x, y]) => [f32(x), f32(y)]));
  const lengths = drawing.map(lengthOf);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const count = drawing.length;
  if (count > wanted) {
    for (let index = 0; index < wanted; index++) {
      const number = Math.floor(((2 * index + 1) * count) / (2 * wanted));
      resampleStroke(drawing[number], lengths[number], index, 1, sequence);
    }
  } else {
    // One point per stroke, the others by length: the cumulative share up to each stroke's end is rounded.
    let share = 0;
    let assigned = 0;
    let begin = 0;
    drawing.forEach((stroke, number) => {
      share += (total > 0 ? lengths[number] / total : 1 / count) * (wanted - count);
      const more = number === count - 1 ? wanted - count - assigned : Math.trunc(share + 0.5) - assigned;
      resampleStroke(stroke, lengths[number], begin, 1 + more, sequence);
      begin += 1 + more;
      assigned += more;
    });
  }
  // Center the drawing at 0 and scale its longer side to 2.
  const [low, high] = bounds(drawing.flat());
  const side = Math.max(high[0] - low[0], high[1] - low[1]);
  for (const axis of [0, 1]) {
    const middle = (low[axis] + high[axis]) / 2;
    sequence[axis].forEach((coordinate, index) => {
      sequence[axis][index] = (coordinate - middle) * (side > 0 ? 2 / side : 0);
    });
  }
  const flat = new Float32Array(CHANNELS * wanted);
  sequence.forEach((channel, number) => flat.set(channel, number * wanted));
  return flat;
}

function distance(from, to) {
  const dx = to[0] - from[0];
  const dy = to[1] - from[1];
  return Math.sqrt(dx * dx + dy * dy);
}

function lengthOf(stroke) {
  let length = 0;
  for (let index = 1; index < stroke.length; index++) length += distance(stroke[index - 1], stroke[index]);
  return length;
}

// Writes `count` equidistant points of a stroke to the sequence from `begin` on: positions in the drawing's units,
// directions, flags. A single point lies half-way along the stroke.
function resampleStroke(stroke, length, begin, count, sequence) {
  const [xs, ys, directionsX, directionsY, begins, ends] = sequence;
  const last = stroke.length - 1;
  const step = length / (count > 1 ? count - 1 : 2);
  // `here` is the length up to point `index`, the start of the segment that contains the next point.
  let index = 0;
  let here = 0;
  let segment = 0;
  for (let number = 0; number < count; number++) {
    const target = (count > 1 ? number : 1) * step;
    while (index < last) {
      segment = distance(stroke[index], stroke[index + 1]);
      if (here + segment >= target && segment > 0) break;
      here += segment;
      index += 1;
    }
    let [x, y] = stroke[index];
    if (index < last) {
      const along = Math.min(Math.max((target - here) / segment, 0), 1);
      x += along * (stroke[index + 1][0] - x);
      y += along * (stroke[index + 1][1] - y);
    }
    xs[begin + number] = x;
    ys[begin + number] = y;
  }
  begins[begin] = 1;
  ends[begin + count - 1] = 1;
  for (let number = 0; number < count; number++) {
    // The direction between both neighbours, which smooths the steps of a coarse screen.
    const before = begin + Math.max(number - 1, 0);
    const after = begin + Math.min(number + 1, count - 1);
    const dx = xs[after] - xs[before];
    const dy = ys[after] - ys[before];
    const chord = Math.sqrt(dx * dx + dy * dy);
    if (chord > 0) {
      directionsX[begin + number] = dx / chord;
      directionsY[begin + number] = dy / chord;
    }
  }
}
