// What a page holds, as `latentviz.web` writes it down: plain data, in pixels of a layout and in
// units of the data. All lengths on a layout scale with the page.

/**
 * An array in the page's bytes.
 * @typedef {object} ArrayRef
 * @property {"u8"|"u16"|"u32"|"i32"|"f32"|"f64"} dtype
 * @property {number[]} shape
 * @property {number} at where its bytes begin
 * @property {number} bytes how many there are
 * @property {boolean} delta whether each number but the first of a column is a difference from the
 *     one before it, along the first axis; whole numbers only
 * @property {boolean} columns whether a column's numbers follow one another, and not a row's
 */

/**
 * A rectangle; (x, y) is its top left corner.
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */

/**
 * One value for each theme.
 * @template T
 * @typedef {{dark: T, light: T}} ByTheme
 */

/**
 * A theme's colors, #rrggbb.
 * @typedef {{background: string, disc: string, text: string, muted: string, grid: string,
 *     cursor: string}} Theme
 */

/** @typedef {"dark"|"light"} ThemeName */

/**
 * A truncated singular value decomposition over time: at step t the place is
 * `mean + sum over q of coefficients[t, q] * basis[q]`.
 * @typedef {object} SvdPlaces
 * @property {"svd"} way
 * @property {number[]} shape [T, N, k]
 * @property {number} rank
 * @property {ArrayRef} mean (N*k) f32
 * @property {ArrayRef} coefficients (T, rank) i32, in units of coefficient_units
 * @property {ArrayRef} coefficient_units (rank) f32
 * @property {ArrayRef} basis (rank, N*k) i32, in units of basis_units
 * @property {ArrayRef} basis_units (rank) f32
 * @property {ArrayRef} scale (k) f64: what a unit of the sums and the mean is worth in data units
 * @property {ArrayRef} origin (k) f64: is added to that, in data units
 */

/**
 * Whole numbers, in chunks of consecutive steps. Each chunk begins with its first step's numbers,
 * and goes on with differences.
 * @typedef {object} DeltaPlaces
 * @property {"deltas"} way
 * @property {number[]} shape [T, N, k]
 * @property {ArrayRef[]} chunks (n, N*k) i32 or f64, with delta; n adds up to T
 * @property {ArrayRef} scale (k) f64: what 1 is worth in data units
 * @property {ArrayRef} origin (k) f64: is added to that, in data units
 */

/** @typedef {SvdPlaces | DeltaPlaces} Places */

/**
 * The key of classes, in the order of their colors.
 * @typedef {{kind: "categories", names: string[], colors: ByTheme<string[]>, classes: ArrayRef}}
 *     Categories `classes` is (N) u16, each point's index among the names
 */

/**
 * The key of a scalar.
 * @typedef {{kind: "ramp", low: string, high: string, stops: string[], values: ArrayRef}} Ramp
 *     `values` is (N) f32, each point's scalar
 */

/** @typedef {Categories | Ramp} Key */

/**
 * A component of a row's points.
 * @typedef {object} Component
 * @property {string} name such as `1` or `PC1 43 %`
 * @property {number} index of the component, as `--dims` counts
 * @property {number} center around which a panel of it is drawn, in data units
 * @property {number} limits so much to either side of the center is shown
 */

/**
 * A projection that the film draws.
 * @typedef {object} Projection
 * @property {number} right index among the row's components
 * @property {number} up index among the row's components
 * @property {string} title may be empty
 * @property {string} name follows a title that is made of components, such as `hue`
 */

/**
 * Points of a run, and how they are drawn: a row of panels.
 * @typedef {object} Row
 * @property {string} name empty where there is one row
 * @property {number} run index
 * @property {number} points N
 * @property {Component[]} components k of them
 * @property {Projection[]} projections one for each of its panels
 * @property {Places} places
 * @property {number} error_px the largest error of `places`, in pixels of a panel of 760
 * @property {ByTheme<ArrayRef>} rgb (N, 3) u8
 * @property {Key | null} key
 * @property {ArrayRef} order (N) u32, the points' numbers, the lowest first
 * @property {ArrayRef} alphas (n) f32: the alpha of a sub-step where there are 1, 2, ... n of them
 * @property {ArrayRef | null} faded_alphas (n) f32: of points that are not highlighted
 * @property {ArrayRef | null} highlighted the highlighted points' numbers, u32; null where none are
 * @property {string[] | null} names (N) the points' names; null where they have numbers alone
 * @property {number[]} labels the numbers of points that have their names beside them
 * @property {boolean} framed whether its panels stand in frames, beyond which no dot goes
 * @property {boolean} origin whether the origin is in the middle of every panel
 * @property {number | null} plate radius of the disc about the origin in data units
 */

/**
 * A run, and its recorded steps.
 * @typedef {object} RunFacts
 * @property {string} name
 * @property {ArrayRef} steps (T) f64, the steps whose places are here
 * @property {boolean} after whether the last places are those after the last update; `steps` then
 *     has one entry less than there are places
 * @property {number | null} end the step from which on it has ended; null where nobody knows
 * @property {boolean} dense whether nothing came between the last two steps
 * @property {number} left_out how many recorded steps are not in the page
 */

/**
 * A curve over the steps.
 * @typedef {object} Curve
 * @property {string} name
 * @property {ByTheme<string>} color
 * @property {ArrayRef} values (T) f32, NaN where there is none
 * @property {ArrayRef | null} raw (T) f32, of which `values` are the smoothed ones
 * @property {number[]} keyed indices of the steps at which it is keyed
 * @property {number[]} measured indices of the few steps at which it was measured
 * @property {number[]} broken indices of the steps at which it is NaN or infinite
 * @property {number | null} final after the last update
 */

/**
 * Curves over the same steps.
 * @typedef {object} Chart
 * @property {string} label
 * @property {string} note
 * @property {string} quantity
 * @property {boolean} log
 * @property {number | null} parts what stands for steps counts so many parts of each run
 * @property {ArrayRef} steps (T) f64
 * @property {Curve[]} curves
 */

/**
 * An axis' ticks.
 * @typedef {{values: number[], labels: string[], minor: number[]}} Ticks
 */

/**
 * A panel on a layout: a share of the page, `head` being the row of words above it.
 * @typedef {object} CloudPlace
 * @property {"cloud"} kind
 * @property {Box} head
 * @property {Box} body
 * @property {number} row index
 * @property {number} projection index within the row
 * @property {[number, number]} center right and up, in data units, in the middle of the body
 * @property {number} limits in data units; so much to either side of the center is shown
 * @property {[number, number]} edges so far from its center it reaches, right and up, in data units
 * @property {number} px_per_unit
 * @property {number} dot_radius in data units
 * @property {string} row_name what it and those to its right have in common
 * @property {boolean} named_beside whether that may stand on its left, or only before its title
 * @property {[number, number][]} sides for each of the row's labels on which side of its point its
 *     name stands: -1, 0 or 1, right and down
 *
 * @typedef {object} KeyPlace
 * @property {"key"} kind
 * @property {Box} body
 * @property {number} row index; of one key for all rows 0
 * @property {number} text_px
 *
 * @typedef {object} ChartPlace
 * @property {"chart"} kind
 * @property {Box} head
 * @property {Box} body
 * @property {number} chart index
 * @property {[number, number]} limits of the axis of values
 * @property {Ticks} ticks of the axis of values
 * @property {Ticks} steps of the axis of steps
 *
 * @typedef {object} CaptionPlace
 * @property {"caption"} kind
 * @property {Box} body
 *
 * @typedef {CloudPlace | KeyPlace | ChartPlace | CaptionPlace} PanelPlace
 */

/**
 * A page of some shape; the one that fits the window is taken.
 * @typedef {object} Layout
 * @property {[number, number]} size width and height
 * @property {number} scale of lines and text, 1 on a page of 1920x1080
 * @property {Box} heading
 * @property {Box} dots what dots may cover that no frame holds
 * @property {PanelPlace[]} panels where dots of two overlap, the earlier panel's lie on top
 */

/**
 * A caption: its text, and the steps from the first up to, and without, the second.
 * @typedef {{first: number | null, stop: number | null, text: string}} Caption
 */

/**
 * What the page shows.
 * @typedef {object} ViewerDocument
 * @property {string} version of latentviz
 * @property {string} title of the page
 * @property {boolean} quiet_title whether it is small and muted on the page; of a run's own name
 * @property {ThemeName} theme
 * @property {ByTheme<Theme>} themes
 * @property {RunFacts[]} runs
 * @property {Row[]} rows
 * @property {Chart[]} charts
 * @property {Layout[]} layouts the wide one first
 * @property {ArrayRef} frames (F) u32: the moment at which each frame of the film begins; moments
 *     are the distinct steps of all runs in order, and what followed the last one, if any run knows
 * @property {number} fps frames a second of the film
 * @property {number} trail over how many frames the path of a highlighted point reaches back
 * @property {Caption[]} captions
 * @property {number | null} parts what stands for steps counts so many parts of each run
 * @property {string[]} command the words of the `latentviz render` command that draws the film, but
 *     for the projections and the theme
 * @property {string} note what every frame says of its points; mostly nothing
 * @property {Live | null} live where a recording is followed
 */

/**
 * Where to ask for what was recorded since.
 * @typedef {{address: string, every_ms: number}} Live
 */

export {};
