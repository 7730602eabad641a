// The model's input image of the drawing, with lines of text beside it.

export default function ({ data, parentElement }) {
  const ink = parentElement.querySelector(".ink div");
  ink.style.maskImage = data.image ? `url(${data.image})` : "linear-gradient(transparent, transparent)";
  const caption = parentElement.querySelector("figcaption");
  caption.replaceChildren(
    ...data.lines.map((line) => {
      const row = document.createElement("div");
      row.textContent = line;
      return row;
    }),
  );
}
