// The programs that run on the GPU.

// How textures are read as lists: item n of a list stands in row n / width.
const LIST = `
ivec2 placeIn(sampler2D list, int n) {
  int width = textureSize(list, 0).x;
  return ivec2(n % width, n / width);
}
`;

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
${LIST}`;

// A triangle that covers all of a target.
export const COVER_VERTEX = `${HEAD}
void main() {
  vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
  gl_Position = vec4(corner, 0.0, 1.0);
}
`;

// Where points are at each sub-step, in pixels: the sums of an SVD, already turned to the page.
export const SUMS_FRAGMENT = `${HEAD}
uniform sampler2D u_basis;         // rank * N: right and up, in pixels
uniform sampler2D u_mean;          // N
uniform sampler2D u_coefficients;  // n rows of rank
uniform int u_points;
uniform int u_rank;
uniform int u_count;
uniform int u_width;               // of the target
uniform vec2 u_middle;             // of the panel
uniform float u_farthest;          // so far to its sides nothing is drawn
out vec4 place;
void main() {
  int n = int(gl_FragCoord.y) * u_width + int(gl_FragCoord.x);
  int substep = n / u_points;
  int point = n - substep * u_points;
  if (substep >= u_count) { place = vec4(1e9); return; }
  vec2 sum = texelFetch(u_mean, placeIn(u_mean, point), 0).xy;
  for (int q = 0; q < u_rank; q++) {
    float weight = texelFetch(u_coefficients, ivec2(q, substep), 0).x;
    sum += weight * texelFetch(u_basis, placeIn(u_basis, q * u_points + point), 0).xy;
  }
  if (abs(sum.x) > u_farthest) sum.x = 1e9;
  place = vec4(u_middle + sum, 0.0, 1.0);
}
`;

/** Of so many sub-steps, at most, the fragment shader is given the places. */
export const MOST_GROUP = 16;

const GROUP = `
flat ${"${way}"} vec4 v_places[${MOST_GROUP / 2}];  // two places each, in pixels from the bottom
flat ${"${way}"} vec3 v_color;
flat ${"${way}"} vec3 v_dot;                        // radius, alpha, and how many places there are
`;

// One quad for each point and each group of its sub-steps, which holds all of their discs.
export const DOTS_VERTEX = `${HEAD}
layout(location = 0) in uint a_point;
layout(location = 1) in vec4 a_look;  // red, green, blue; and 0: hidden, 1/255: seen, 2/255: faded
uniform sampler2D u_places;  // (n, N): right and down, in pixels
uniform int u_points;
uniform int u_count;         // n
uniform int u_group;         // so many sub-steps have a quad
uniform int u_groups;
uniform vec2 u_radius;       // seen and faded, in pixels
uniform vec2 u_alpha;        // of a sub-step
uniform vec2 u_size;         // of the canvas
${GROUP.replaceAll("${way}", "out")}
void main() {
  int look = int(a_look.w * 255.0 + 0.5);
  int first = (gl_InstanceID % u_groups) * u_group;
  int count = min(u_group, u_count - first);
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
  if (look == 0 || count <= 0) return;
  v_color = a_look.rgb;
  v_dot = vec3(look == 2 ? vec2(u_radius.y, u_alpha.y) : vec2(u_radius.x, u_alpha.x), float(count));
  vec2 low = vec2(1e9), high = vec2(-1e9);
  for (int s = 0; s < count; s++) {
    int n = (first + s) * u_points + int(a_point);
    vec2 place = texelFetch(u_places, placeIn(u_places, n), 0).xy;
    place.y = u_size.y - place.y;
    // What is far off the page is not seen, and must not make the quad as large.
    if (max(abs(place.x), abs(place.y)) < 1e6) {
      low = min(low, place);
      high = max(high, place);
    }
    if (s % 2 == 0) v_places[s / 2].xy = place;
    else v_places[s / 2].zw = place;
  }
  if (low.x > high.x) return;
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  vec2 at = mix(low - v_dot.x - 1.0, high + v_dot.x + 1.0, corner);
  gl_Position = vec4(2.0 * at / u_size - 1.0, 0.0, 1.0);
}
`;

// What a point's discs let pass is the product of what each does: a trail is blended at once.
export const DOTS_FRAGMENT = `${HEAD}
${GROUP.replaceAll("${way}", "in")}
out vec4 color;
void main() {
  float radius = v_dot.x;
  float half_more = 0.5 + 0.5 * radius;
  float half_less = 0.5 / radius;
  int count = int(v_dot.z);
  float passing = 1.0;
  for (int s = 0; 2 * s < count; s++) {
    vec4 from = v_places[s] - gl_FragCoord.xyxy;
    vec2 squares = vec2(dot(from.xy, from.xy), dot(from.zw, from.zw));
    vec2 through = 1.0 - v_dot.y * clamp(half_more - half_less * squares, 0.0, 1.0);
    passing *= through.x * (2 * s + 1 < count ? through.y : 1.0);
  }
  color = vec4(v_color * (1.0 - passing), 1.0 - passing);
}
`;

// From a target of finer levels to the canvas.
export const COPY_FRAGMENT = `${HEAD}
uniform sampler2D u_drawn;
out vec4 color;
void main() {
  color = texelFetch(u_drawn, ivec2(gl_FragCoord.xy), 0);
}
`;
