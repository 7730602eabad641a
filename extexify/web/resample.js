// The resampler of extexify/drawing/resample.py: strokes → a sequence of equally many points. Tests hold the two against
// each other.

import { bounds } from "./raster.js";

const CHANNELS = 6; // x, y, the direction's unit vector, 1 at the beginning of a stroke, 1 at the end of one

const f32 = Math.fround;

// strokes: [[[x, y], …], …]; settings: {points}, as a model has them → Float32Array (6 × points), channel by channel.
export function resample(strokes, { points: wanted }) {
  const sequence = Array.from({ length: CHANNELS }, () => new Float32Array(wanted));
  const drawing = strokes.map((stroke) => stroke.map(([x, y]) => [f32(x), f32(y)]));
  const lengths = drawing.map(lengthOf);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const count = drawing.length;
  if (count > wanted) {
    for (let index = 0; index < wanted; index++) {
      const number = Math.floor(((2 * index + 1) * count) / (2 * wanted));
      walk(drawing[number], lengths[number], index, 1, sequence);
    }
  } else {
    // One point a stroke, the others by length: what is due up to a stroke's end, rounded, is dealt by then.
    let due = 0;
    let dealt = 0;
    let begin = 0;
    drawing.forEach((stroke, number) => {
      due += (total > 0 ? lengths[number] / total : 1 / count) * (wanted - count);
      const more = number === count - 1 ? wanted - count - dealt : Math.trunc(due + 0.5) - dealt;
      walk(stroke, lengths[number], begin, 1 + more, sequence);
      begin += 1 + more;
      dealt += more;
    });
  }
  // The drawing's middle becomes 0, and its longer side 2.
  const [low, high] = bounds(drawing.flat());
  const side = Math.max(high[0] - low[0], high[1] - low[1]);
  for (const axis of [0, 1]) {
    const middle = (low[axis] + high[axis]) / 2;
    sequence[axis].forEach((place, index) => {
      sequence[axis][index] = (place - middle) * (side > 0 ? 2 / side : 0);
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

// Puts `count` points of a stroke, equally far apart, into the sequence from `begin` on: places in the drawing's own
// units, directions, flags. A single point lies half-way.
function walk(stroke, length, begin, count, sequence) {
  const [xs, ys, directionsX, directionsY, begins, ends] = sequence;
  const last = stroke.length - 1;
  const step = length / (count > 1 ? count - 1 : 2);
  // `here` is the length walked up to point `index`, the near end of the segment that the next point lies on.
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
    // Between both neighbours, which evens out the steps of a coarse screen.
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
