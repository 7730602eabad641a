// A canvas to draw strokes in, with Undo, Redo and Clear.

const PEN_WIDTH = 6; // in canvas units
const SIDE = 400; // canvas units per side, independent of its size on the screen

export class Pad {
  strokes = []; // [[[x, y], …], …] in canvas units
  #past = []; // earlier `strokes`, newest last, which Undo brings back
  #future = []; // later ones, next last, which Redo brings back
  #current = null; // the stroke that is being drawn, {pointer, stroke}
  #canvas;
  #buttons; // {undo, redo, clear}
  #changed;

  // `changed()` is called after each stroke and command.
  constructor(canvas, buttons, changed) {
    this.#canvas = canvas;
    this.#buttons = buttons;
    this.#changed = changed;
    canvas.onpointerdown = (event) => this.#begin(event);
    canvas.onpointermove = (event) => this.#extend(event);
    // A stroke that the system interrupts stays as far as it was drawn.
    canvas.onpointerup = canvas.onpointercancel = (event) => this.#end(event);
    for (const [command, button] of Object.entries(buttons)) button.onclick = () => this.perform(command);
    new ResizeObserver(() => {
      canvas.width = canvas.height = Math.round(canvas.clientWidth * devicePixelRatio);
      this.#redraw();
    }).observe(canvas);
  }

  // Performs "undo", "redo" or "clear", but not while a stroke is being drawn.
  perform(command) {
    if (this.#current) return;
    this.#commands[command]();
    this.#update();
  }

  // Starts anew, without anything to undo.
  reset() {
    [this.strokes, this.#past, this.#future, this.#current] = [[], [], [], null];
    this.#update();
  }

  #commands = {
    undo: () => {
      if (!this.#past.length) return;
      this.#future.push(this.strokes);
      this.strokes = this.#past.pop();
    },
    redo: () => {
      if (!this.#future.length) return;
      this.#past.push(this.strokes);
      this.strokes = this.#future.pop();
    },
    clear: () => {
      if (this.strokes.length) this.#replace([]);
    },
  };

  #replace(strokes) {
    this.#past.push(this.strokes);
    this.#future = [];
    this.strokes = strokes;
  }

  #begin(event) {
    if (event.button !== 0 || this.#current) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(event.pointerId);
    this.#current = { pointer: event.pointerId, stroke: [this.#position(event)] };
    this.#replace([...this.strokes, this.#current.stroke]);
    this.#redraw();
  }

  #extend(event) {
    if (event.pointerId !== this.#current?.pointer) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const move of moves.length ? moves : [event]) this.#current.stroke.push(this.#position(move));
    this.#redraw();
  }

  #end(event) {
    if (event.pointerId !== this.#current?.pointer) return;
    this.#current = null;
    this.#update();
  }

  #position(event) {
    const box = this.#canvas.getBoundingClientRect();
    const border = this.#canvas.clientLeft;
    const scale = SIDE / this.#canvas.clientWidth;
    return [(event.clientX - box.left - border) * scale, (event.clientY - box.top - border) * scale];
  }

  #update() {
    this.#buttons.undo.disabled = !this.#past.length;
    this.#buttons.redo.disabled = !this.#future.length;
    this.#buttons.clear.disabled = !this.strokes.length;
    this.#redraw();
    this.#changed();
  }

  #redraw() {
    const pen = this.#canvas.getContext("2d");
    const scale = this.#canvas.width / SIDE;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, SIDE, SIDE);
    pen.strokeStyle = pen.fillStyle = getComputedStyle(this.#canvas).getPropertyValue("--ink");
    pen.lineWidth = PEN_WIDTH;
    pen.lineCap = pen.lineJoin = "round";
    for (const [first, ...rest] of this.strokes) {
      pen.beginPath();
      pen.moveTo(...first);
      for (const point of rest.length ? rest : [first]) pen.lineTo(...point);
      pen.stroke();
    }
  }
}
