"""What a review of the sheets corrected in the computed groups of Detexify's symbols: commands, by hand."""

from __future__ import annotations

# From review of the sheets: alike in spite of the computed distance. Groups of commands.
PRINTS_ALIKE = (
    (r"\Sigma", r"\Upsigma", r"\sum"),
    (r"\Pi", r"\Uppi", r"\prod"),
    (r"\amalg", r"\coprod"),
    (r"\vartriangle", r"\triangle", r"\bigtriangleup"),
    (r"\triangledown", r"\bigtriangledown"),
    (r"\vDash", r"\models"),
    (r"\int", r"\textesh"),
    (r"\neq", r"\textdoublebarslash"),
)  # fmt: skip

# From review of the sheets: not alike in spite of the computed distance. Pairs that are never grouped.
PRINTS_APART = (
    (r"\ointclockwise", r"\varointctrclockwise"),  # the arrow turns the other way
    (r"\ointctrclockwise", r"\varointclockwise"),
    (r"\blacksmiley", r"\newmoon"),  # one has a face
    (r"\textbarl", r"\textltilde"),
)  # fmt: skip
DRAWN_ALIKE = (
    ("-", "--", "---", r"\_", r"\textminus"),
    ("/", r"\diagup"),
    (r"\parallel", r"\shortparallel"),
    (r"\mid", r"\shortmid", r"\textquotesingle", r"\textprimstress", r"\textsecstress", r"\texttoneletterstem"),
    (r"\cdot", r"\ldotp", r"\bullet", r"\newmoon", r"\centerdot"),
    (r"\ldots", r"\cdots"),
    (r"\circ", r"\degree"),
    (r"\langle", r"\guilsinglleft"),
    (r"\rangle", r"\guilsinglright"),
    (r"\leftarrow", r"\longleftarrow"),
    (r"\wedge", r"\bigwedge", r"\Lambda", r"\textasciicircum"),
    (r"\vee", r"\bigvee"),
    (r"\emptyset", r"\varnothing", r"\O", r"\o", r"\diameter"),
    (r"\ulcorner", r"\textopencorner"),
    (r"\urcorner", r"\textcorner"),
    (r"\odot", r"\textbullseye"),
)  # fmt: skip
# Mostly drawn from a few people each, or different in a stroke that the pictures blur: a line more or less.
DRAWN_APART = (
    (r"\gg", r"\ggg"), (r"\ll", r"\lll"), (r"\Vdash", r"\Vvdash"), (r"\iiiint", r"\iiint"),
    (r"\gnapprox", r"\gnsim"), (r"\precnapprox", r"\precnsim"), (r"\lnapprox", r"\precnapprox"),
    (r"\lessapprox", r"\precapprox"), (r"\succapprox", r"\succnapprox"),
    (r"\gtreqless", r"\gtreqqless"), (r"\lesseqgtr", r"\lesseqqgtr"), (r"\gtreqqless", r"\lesseqqgtr"),
    (r"\gtreqless", r"\gtrless"), (r"\nleq", r"\nleqq"), (r"\ngeqslant", r"\ngtr"), (r"\nleqslant", r"\nless"),
    (r"\npreceq", r"\ntrianglelefteq"), (r"\neq", r"\not\equiv"), (r"\lneq", r"\lneqq"), (r"\gneq", r"\gneqq"),
    (r"\subsetneq", r"\subsetneqq"), (r"\supsetneq", r"\supsetneqq"), (r"\nLeftarrow", r"\nleftarrow"),
    (r"\barwedge", r"\doublebarwedge"), (r"\Colonapprox", r"\colonapprox"), (r"\Coloneqq", r"\coloneqq"),
    (r"\Eqqcolon", r"\eqqcolon"), (r"\gtrdot", r"\textgreater"), (r"\lessdot", r"\textless"),
    (r"\textonehalf", r"\textonequarter"), (r"\textpertenthousand", r"\textperthousand"),
    (r"\leftrightarrows", r"\rightleftarrows"), (r"\twoheadleftarrow", r"\leftarrowtriangle"),
    (r"\twoheadleftarrow", r"\leftarrow"), (r"\Longmapsfrom", r"\Mapsfrom"),
    ("[", r"\llbracket"), ("]", r"\rrbracket"), (r"\textquotedbl", r"\shortparallel"),
    (r"\textquotedbl", r"\textquotestraightdblbase"), (r"\clock", r"\diameter"), (r"\conjunction", r"\vee"),
    (r"\gnapprox", r"\succnapprox"), (r"\downharpoonright", r"\mathfrak{l}"), (r"\lfloor", r"\textrtaill"),
    (r"\mathds{C}", r"\textcolonmonetary"), (r"\textcent", r"\textcolonmonetary"),
    (r"\mathfrak{X}", r"\mathscr{X}"), (r"\mathfrak{l}", r"\textrtaill"), (r"\fint", r"\textdoublebaresh"),
    (r"\texthtq", r"\texthtrtaild"), (r"\mathfrak{I}", r"\mathfrak{J}"), (r"\texthth", r"\texththeng"),
    # the second stroke of a blackboard letter
    (r"\mathds{A}", r"\textsca"), (r"\mathds{B}", r"\textscb"), (r"\mathds{G}", r"\textscg"),
    (r"\mathds{H}", r"\textsch"), (r"\mathds{N}", r"\textscn"), (r"\mathds{R}", r"\textscr"),
    (r"\textcommatailz", r"\textrtailz"), (r"\textbarg", r"\textscriptg"),
)  # fmt: skip
