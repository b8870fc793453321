import math

import pytest

from latentviz.easing import MinimumJerk
from latentviz.errors import OptionError
from trainers.dopesheet import parse_dopesheet
from trainers.timeline import Timeline

# The minimum jerk from rest to rest, 10u³ - 15u⁴ + 6u⁵, at a quarter of the way:
# 10/64 - 15/256 + 6/1024 = 0.15625 - 0.05859375 + 0.005859375.
QUARTER = 0.103515625


def timeline(*rows: str) -> Timeline:
    return Timeline(parse_dopesheet("\n".join(rows)))


def values(of: Timeline, name: str, *steps: int) -> list[float]:
    return [of[step].values[name] for step in steps]


def test_one_step_more_than_the_last_and_iterable():
    short = timeline("STEP,PHASE,ACTION,x", "0,,,1", "3,,,2")
    assert len(short) == 4
    assert [state.step for state in short] == [0, 1, 2, 3]
    assert list(short) == [short[step] for step in range(4)]


@pytest.mark.parametrize("step", [-1, 4])
def test_steps_outside_are_refused(step):
    with pytest.raises(IndexError, match=r"within 0\.\.3"):
        timeline("STEP,PHASE,ACTION,x", "0,,,1", "3,,,2")[step]


def test_a_property_is_at_its_first_key_before_and_at_its_last_after():
    x = timeline("STEP,PHASE,ACTION,x", "0,,,", "10,,,3", "20,,,5", "30,,,")
    assert values(x, "x", 0, 9, 10, 20, 30) == [3, 3, 3, 5, 5]


def test_minimum_jerk_leaves_and_arrives_at_rest():
    x = timeline("STEP,PHASE,ACTION,x", "0,,,1", "100,,,3")
    assert values(x, "x", 0, 25, 50, 75, 100) == pytest.approx(
        [1, 1 + 2 * QUARTER, 2, 3 - 2 * QUARTER, 3]
    )
    # Near its ends it goes with the cube of time: 2·10·(1/100)³ less 2·15·(1/100)⁴ and so on.
    assert x[1].values["x"] - 1 == pytest.approx(2e-5, rel=0.02)
    assert 3 - x[99].values["x"] == pytest.approx(2e-5, rel=0.02)


def test_log_space_eases_the_logarithm():
    x = timeline("STEP,PHASE,ACTION,x:log", "0,,,1e-4", "100,,,1")
    # Half way and a quarter of the way from 10^-4 to 10^0.
    assert values(x, "x", 0, 25, 50, 100) == pytest.approx(
        [1e-4, 10 ** (-4 + 4 * QUARTER), 0.01, 1]
    )


def test_linear_easing_and_step_end():
    x = timeline(
        "STEP,PHASE,ACTION,a:linear:linear,b:log:linear,c::step-end,d::step",
        "0,,,1,1e-4,1,1",
        "4,,,3,1,2,2",
        "6,,,3,1,2,2",
    )
    assert values(x, "a", 0, 1, 2, 3, 4, 5) == [1, 1.5, 2, 2.5, 3, 3]
    assert values(x, "b", 0, 1, 2, 4) == pytest.approx([1e-4, 1e-3, 1e-2, 1])
    assert values(x, "c", 0, 3, 4, 6) == values(x, "d", 0, 3, 4, 6) == [1, 1, 2, 2]


def test_phases_start_and_end():
    x = timeline(
        "STEP,PHASE,ACTION,x",
        "1,Warm-up,,1",
        "2,,,1",
        '4,Train,"save,plot",1',
        "6,,,1",
    )
    assert x.phases == ((1, "Warm-up"), (4, "Train"))
    assert [state.phase for state in x] == ["", *["Warm-up"] * 3, *["Train"] * 3]
    assert [state.step for state in x if state.phase_starts] == [1, 4]
    assert [state.step for state in x if state.phase_ends] == [3, 6]
    assert {state.step: state.actions for state in x if state.actions} == {4: ("save", "plot")}
    assert x.actions == ((4, "save"), (4, "plot"))


def test_naming_the_running_phase_again_starts_it_anew():
    x = timeline("STEP,PHASE,ACTION,x", "0,Train,,1", "2,,,1", "3,Train,,1", "4,Train,,", "5,,,1")
    assert x.phases == ((0, "Train"), (3, "Train"), (4, "Train"))
    assert [state.phase for state in x] == ["Train"] * 6
    assert [state.step for state in x if state.phase_starts] == [0, 3, 4]
    assert [state.step for state in x if state.phase_ends] == [2, 3, 5]


def test_a_schedule_to_draw_has_every_step_keyframe_phase_and_action():
    x = timeline("STEP,PHASE,ACTION,x,y::step", "0,A,,1,5", "2,,stop,3,", "3,A,,,6")
    schedule = x.schedule("mine")
    assert schedule.name == "mine"
    assert schedule.steps.tolist() == [0, 1, 2, 3]
    assert schedule.params["x"].tolist() == values(x, "x", 0, 1, 2, 3)
    assert schedule.params["y"].tolist() == [5, 5, 5, 6]
    assert schedule.keyframes == {"x": [0, 2], "y": [0, 3]}
    assert schedule.phases == [(0, "A"), (3, "A")]
    assert schedule.actions == [(2, "stop")]


def test_of_a_very_long_schedule_enough_is_drawn_and_no_jump_is_lost():
    schedule = timeline(
        "STEP,PHASE,ACTION,x::step", "0,,,1", "123456789,,,2", "200000001,B,go,", "999999999,,,3"
    ).schedule("long")
    assert len(schedule.steps) < 21_000
    at = dict(zip(schedule.steps.tolist(), schedule.params["x"].tolist(), strict=True))
    assert (at[123456788], at[123456789], at[999999998], at[999999999]) == (1, 2, 2, 3)
    assert 200000001 in at


def test_a_phase_of_one_step_starts_and_ends_there():
    (state,) = timeline("STEP,PHASE,ACTION,x", "0,Once,,1")
    assert state.phase_starts
    assert state.phase_ends


def test_a_sheet_without_phases_has_no_phase_that_ends():
    x = timeline("STEP,PHASE,ACTION,x", "0,,,1", "1,,,1")
    assert x.phases == ()
    assert not any(state.phase_starts or state.phase_ends for state in x)


def test_keyframes_are_the_keyed_steps_of_each_property():
    x = timeline("STEP,PHASE,ACTION,x,y", "0,,,1,", "+0.5,,,,2", "10,,,3,3")
    assert x.keyframes == {"x": (0, 10), "y": (5, 10)}


def test_retargeting_by_hand():
    x = timeline("STEP,PHASE,ACTION,x", "0,,,0", "100,,,1").retarget(50, "x", 0, duration=40)
    # At u = 1/2 position is 1/2, velocity (30u² - 60u³ + 30u⁴)/100 = 1.875/100, acceleration 0.
    # The new move over T = 40 thus starts with c0 = 0.5, c1 = 0.75, c2 = 0; position, velocity and
    # acceleration 0 at its end give c3 = -9.5, c4 = 13.5, c5 = -5.25. At its middle (step 70):
    # 0.5 + 0.75/2 - 9.5/8 + 13.5/16 - 5.25/32 = 0.3671875.
    assert values(x, "x", 25, 50, 70, 90, 100) == pytest.approx([QUARTER, 0.5, 0.3671875, 0, 1])
    # It overshoots first, as a thing in motion does.
    assert x[55].values["x"] > 0.57
    assert x.keyframes == {"x": (0, 90, 100)}


@pytest.mark.parametrize("space", ["linear", "log"])
@pytest.mark.parametrize("leave", [1000, 2500, 3300])
def test_retargeting_keeps_velocity_and_acceleration(space, leave):
    before = timeline(f"STEP,PHASE,ACTION,x:{space}", "0,,,0.5", "4000,,,4", "9000,,,4")
    after = before.retarget(leave, "x", 0.2, duration=3000)
    assert values(after, "x", 0, leave - 1, leave) == values(before, "x", 0, leave - 1, leave)

    def difference(order: int, of: Timeline, step: int) -> float:
        """Finite difference from ``step`` on: the derivative but for O(1/4000) of its scale."""
        signs = [(-1) ** (order - k) * math.comb(order, k) for k in range(order + 1)]
        return sum(sign * of[step + k].values["x"] for k, sign in enumerate(signs))

    # Velocities are about 4/4000 at most, accelerations 4/4000², jerks 60·4/4000³ a step.
    assert difference(1, after, leave) == pytest.approx(difference(1, before, leave), abs=1e-7)
    assert difference(2, after, leave) == pytest.approx(difference(2, before, leave), abs=1e-7)
    assert difference(2, after, leave - 1) == pytest.approx(
        difference(2, after, leave - 2), abs=1e-7
    )
    # It arrives at rest.
    assert after[leave + 3000].values["x"] == pytest.approx(0.2)
    assert difference(1, after, leave + 2998) == pytest.approx(0, abs=1e-7)


def test_retargeting_follows_the_easing_modules_own_move():
    before = timeline("STEP,PHASE,ACTION,x", "0,,,2", "300,,,7", "500,,,")
    after = before.retarget(120, "x", 1, duration=200)
    move = MinimumJerk(0, 300, 2, 7).retarget(120, 1, 200)
    assert values(after, "x", *range(120, 400, 7)) == pytest.approx(
        [move.at(step)[0] for step in range(120, 400, 7)]
    )


def test_retargeting_again_in_mid_flight():
    before = timeline("STEP,PHASE,ACTION,x", "0,,,0", "100,,,1", "300,,,1")
    after = before.retarget(40, "x", 0, duration=100).retarget(90, "x", 1, duration=50)
    move = MinimumJerk(0, 100, 0, 1).retarget(40, 0, 100).retarget(90, 1, 50)
    assert values(after, "x", 20, 60, 90, 110, 140, 300) == pytest.approx(
        [MinimumJerk(0, 100, 0, 1).at(20)[0]]
        + [MinimumJerk(0, 100, 0, 1).retarget(40, 0, 100).at(60)[0]]
        + [move.at(step)[0] for step in (90, 110, 140, 300)]
    )


def test_after_the_new_target_a_property_goes_on_to_its_later_keys():
    before = timeline("STEP,PHASE,ACTION,x", "0,,,0", "50,,,5", "100,,,1", "200,,,3")
    after = before.retarget(20, "x", 9, duration=100)
    assert after.keyframes == {"x": (0, 120, 200)}
    # From rest at 9 to 3 over 120..200; half way at 160.
    assert values(after, "x", 120, 160, 200) == pytest.approx([9, 6, 3])
    assert before[120].values["x"] == timeline(
        "STEP,PHASE,ACTION,x", "0,,,0", "50,,,5", "100,,,1", "200,,,3"
    )[120].values["x"]  # fmt: skip


def test_retargeting_before_the_first_key_and_at_a_key():
    before = timeline("STEP,PHASE,ACTION,x", "0,,,", "50,,,4", "60,,,4", "100,,,")
    assert values(before.retarget(10, "x", 2, duration=20), "x", 0, 10, 20, 30, 40, 50) == (
        pytest.approx([4, 4, 3, 2, 3, 4])
    )
    assert values(before.retarget(60, "x", 2, duration=20), "x", 60, 70, 80, 100) == (
        pytest.approx([4, 3, 2, 2])
    )


def test_retargeting_linear_and_step_end():
    before = timeline("STEP,PHASE,ACTION,a::linear,b::step-end", "0,,,0,0", "10,,,10,10", "20,,,,")
    assert values(before.retarget(5, "a", 1, duration=4), "a", 4, 5, 7, 9, 10) == [4, 5, 3, 1, 10]
    assert values(before.retarget(5, "b", 1, duration=4), "b", 5, 8, 9, 10) == [0, 0, 1, 10]


@pytest.mark.parametrize(
    ("step", "name", "target", "duration", "message"),
    [
        (5, "y", 1.0, 4, "unknown property 'y'; this timeline's are: x"),
        (-1, "x", 1.0, 4, "within steps 0..10, got 4 steps from step -1"),
        (5, "x", 1.0, 0, "got 0 steps"),
        (5, "x", 1.0, 6, "got 6 steps"),
        (5, "x", math.nan, 4, "must be finite above 0, got nan"),
        (5, "x", 0.0, 4, "must be finite above 0, got 0"),
    ],
)
def test_retargeting_refuses(step, name, target, duration, message):
    x = timeline("STEP,PHASE,ACTION,x:log", "0,,,1", "10,,,2")
    with pytest.raises(OptionError, match=message):
        x.retarget(step, name, target, duration=duration)
