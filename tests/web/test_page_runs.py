"""The clock of a page of several runs; by node."""

from by_node import value_of

RUNS = """[
  { steps: Float64Array.of(0, 1, 2, 3, 4, 5), after: true, end: 6 },
  { steps: Float64Array.of(0, 1, 2), after: true, end: 3 },
  { steps: Float64Array.of(0, 2), after: false, end: null },
]"""


def test_a_run_that_has_ended_shows_what_followed_its_last_update():
    places = value_of(
        f"[0, 1, 2].map((run) => [0, 1, 2, 3, 4, 5, 6].map((moment) => new moments.Moments({RUNS}, "
        "[0]).placeAt(run, moment)))",
        "moments",
    )
    assert places[0] == [0, 1, 2, 3, 4, 5, 6]
    assert places[1] == [0, 1, 2, 3, 3, 3, 3]
    assert places[2] == [0, 0, 1, 1, 1, 1, 1]


def said(name, moment, parts):
    return value_of(
        f"""titles.{name}({{
          moments: new moments.Moments({RUNS}, [0]),
          document: {{ parts: {parts}, note: "", runs: [{{dense: true}}],
            rows: [{{run: 0, projections: [0]}}, {{run: 1, projections: [0, 1]}}] }},
        }}, {moment})""",
        "titles",
        "moments",
    )


def test_shares_are_said_in_percent():
    heading = said("headingOf", 3, 10)
    assert (heading["words"], heading["number"]) == ("30.0 % of each run", "")
    assert said("headingOf", 6, 10)["words"] == "after the last update"
    assert said("headingOf", 3, "null")["number"] == "3"


def test_an_end_is_said_above_the_first_panel_of_a_run():
    assert said("endedWords", "0, 4", "null") == ""
    assert said("endedWords", "1, 4", "null") == ", ended at step 2"
    assert said("endedWords", "1, 2", "null") == ""
    assert said("endedWords", "2, 4", "null") == ""
    assert said("endedWords", "1, 4", 10) == ""
