### The design on a page, in development builds only.

design-title = The design
design-lead = Colours, sizes, spaces and parts of the pages, drawn by the macros that pages use. In development builds only.
design-colours = Colours
design-contrast = Contrast against the page; a tick: fit for text (4.5:1 and more)
design-token = Name
design-ratio = Contrast
design-readable = Fit for text
design-sizes = Type
design-spaces = Spaces
design-buttons = Buttons and dialogs
design-marks = Marks
design-said = What an act did
design-good = Saved.
design-amber = Not saved: the provider cannot be reached.
design-forms = Forms
design-charts = Charts
design-nothing = Empty states, skeletons and pages
