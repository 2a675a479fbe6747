//! What the runner does with leases, open plans, refusals and limits, on the toy operation.

use std::sync::{Arc, Mutex};

use midships_engine::journal::{Ending, Event, Journal, Plan, State, describe};
use midships_engine::report::{Outcome, Report};
use midships_engine::runner::{plan_only, run};
use midships_engine::simulation::{
    BEGINNING, Fault, Ground, Interaction, Obstacle, Shared, SimulatedWorld, Simulation, Touch,
    locked,
};
use midships_engine::step::{
    Direction, Limits, Moment, Operation, Planning, Problem, Seen, Unanswered,
};
use midships_engine::world::{
    CommandFault, Interrupted, LeaseRecord, Permit, StoreFault, Stored, World,
};

use crate::toy::{Answer, ChangeSetting, Command, Product, Query, SERVERS, STEP_SECONDS, ToyStep};

type ToyWorld<'a> = SimulatedWorld<'a, Product>;

fn ground() -> Shared<Product> {
    Arc::new(Mutex::new(Ground::new(Product::new())))
}

/// Runs without a fault and returns what it did.
fn trace_of(operation: &ChangeSetting) -> Vec<Interaction> {
    let ground = ground();
    let mut world = ToyWorld::new(&ground, "first");
    assert_eq!(
        run(&mut world, operation, "first"),
        Ok(Outcome::Done { changed: true })
    );
    world.trace
}

/// A world whose runner was killed before an interaction.
fn killed_before(at: usize, operation: &ChangeSetting) -> Shared<Product> {
    let ground = ground();
    let mut world = ToyWorld::new(&ground, "first").with_fault(at, Fault::CrashBefore);
    // At the release of the lease the outcome stands already.
    let _ = run(&mut world, operation, "first");
    ground
}

fn run_on(ground: &Shared<Product>, operation: &ChangeSetting) -> Result<Outcome, Interrupted> {
    run(&mut ToyWorld::new(ground, "fresh"), operation, "fresh")
}

fn endings(ground: &Shared<Product>) -> Vec<Ending> {
    let journal = Journal::verify(&locked(ground).journal).unwrap();
    assert!(journal.open().is_none());
    journal
        .history()
        .iter()
        .map(|finished| finished.ending)
        .collect()
}

fn settings(ground: &Shared<Product>) -> Vec<(u32, u32)> {
    let ground = locked(ground);
    ground
        .simulation
        .servers
        .iter()
        .map(|server| (server.setting, server.loaded))
        .collect()
}

fn refusal(outcome: Result<Outcome, Interrupted>) -> Problem {
    match outcome {
        Ok(Outcome::Refused(problem)) => problem,
        other => panic!("not refused: {other:?}"),
    }
}

/// The first moment at which a report of a kind was made cannot be told from reports alone, so
/// this world also notes the clock of each.
struct Watched<'a> {
    world: ToyWorld<'a>,
    ground: Shared<Product>,
    /// Whether somebody else renews the lease at each pause.
    renewing: bool,
    told: Vec<(Moment, Report)>,
    performed: Vec<Command>,
}

impl Watched<'_> {
    fn new(ground: &Shared<Product>) -> Self {
        Self {
            world: ToyWorld::new(ground, "watched"),
            ground: Arc::clone(ground),
            renewing: false,
            told: Vec::new(),
            performed: Vec::new(),
        }
    }

    fn first(&self, wanted: impl Fn(&Report) -> bool) -> Moment {
        self.told
            .iter()
            .find(|(_, report)| wanted(report))
            .unwrap()
            .0
    }
}

impl World for Watched<'_> {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn now(&mut self) -> Moment {
        self.world.now()
    }

    fn pause(&mut self, milliseconds: u64) -> Result<(), Interrupted> {
        if self.renewing {
            locked(&self.ground).lease.renewal.push('x');
        }
        self.world.pause(milliseconds)
    }

    fn ask(&mut self, queries: &[Query]) -> Result<Vec<Result<Answer, Unanswered>>, Interrupted> {
        self.world.ask(queries)
    }

    fn perform(&mut self, command: &Command, permit: &Permit) -> Result<(), CommandFault> {
        self.performed.push(command.clone());
        self.world.perform(command, permit)
    }

    fn read_journal(&mut self) -> Result<Stored, StoreFault> {
        self.world.read_journal()
    }

    fn write_journal(&mut self, journal: &Stored) -> Result<String, StoreFault> {
        self.world.write_journal(journal)
    }

    fn read_lease(&mut self) -> Result<LeaseRecord, StoreFault> {
        self.world.read_lease()
    }

    fn write_lease(&mut self, lease: &LeaseRecord) -> Result<LeaseRecord, StoreFault> {
        self.world.write_lease(lease)
    }

    fn report(&mut self, report: &Report) {
        self.told.push((self.world.now(), report.clone()));
        self.world.report(report);
    }
}

fn held_by_another(ground: &Shared<Product>) {
    let mut ground = locked(ground);
    ground.lease.holder = Some("another".to_owned());
    ground.lease.epoch = 4;
    ground.lease.duration = 15_000;
    "then".clone_into(&mut ground.lease.renewal);
}

#[test]
fn a_silent_holder_is_waited_for_as_long_as_lease_and_longest_command_last() {
    let ground = ground();
    held_by_another(&ground);
    let mut world = Watched::new(&ground);
    assert_eq!(
        run(&mut world, &ChangeSetting::to(2), "w"),
        Ok(Outcome::Done { changed: true })
    );
    let taken = world.first(|report| matches!(report, Report::LeaseTaken { epoch: 5 }));
    let waited = taken - BEGINNING;
    assert!((19_000..22_000).contains(&waited), "{waited}");
    assert!(
        locked(&ground).lease.holder.is_none(),
        "the lease is given back"
    );
}

#[test]
fn a_holder_that_keeps_renewing_is_left_alone() {
    let ground = ground();
    held_by_another(&ground);
    let mut world = Watched::new(&ground);
    world.renewing = true;
    let problem = refusal(run(&mut world, &ChangeSetting::to(2), "w"));
    assert!(problem.why.contains("another holds it"), "{problem:?}");
    let ground = locked(&ground);
    assert_eq!(ground.lease.epoch, 4);
    assert_eq!((ground.performed, ground.journal_writes), (0, 0));
    let waited = ground.clock - BEGINNING;
    assert!((7_200_000..7_205_000).contains(&waited), "{waited}");
}

#[test]
fn another_desired_state_settles_the_open_plan_first_wherever_it_was_left() {
    let before = ChangeSetting::to(2);
    let trace = trace_of(&before);
    let (mut superseded, mut finished) = (0, 0);
    for at in 0..trace.len() {
        for after in [
            ChangeSetting::to(3),
            ChangeSetting {
                phase: "before",
                ..ChangeSetting::to(3)
            },
        ] {
            let ground = killed_before(at, &before);
            let past = !locked(&ground).simulation.listening;
            let closed = endings(&ground_if_closed(&ground));
            assert_eq!(
                run_on(&ground, &after),
                Ok(Outcome::Done { changed: true }),
                "{at}"
            );
            assert_eq!(settings(&ground), vec![(3, 3); SERVERS]);
            let endings = endings(&ground);
            assert_eq!(endings.last(), Some(&Ending::Done));
            if endings.len() == 2 && closed.is_empty() {
                if past {
                    finished += 1;
                    assert_eq!(endings, [Ending::Done, Ending::Done], "{at}");
                } else {
                    superseded += usize::from(endings[0] == Ending::Superseded);
                }
            }
        }
    }
    assert!(superseded > 40 && finished > 10, "{superseded} {finished}");
}

/// A ground with the same journal if it has no open plan, else an empty one.
fn ground_if_closed(original: &Shared<Product>) -> Shared<Product> {
    let journal = locked(original).journal.clone();
    let copy = ground();
    if Journal::verify(&journal).unwrap().open().is_none() {
        locked(&copy).journal = journal;
    }
    copy
}

#[test]
fn the_same_desired_state_in_another_phase_carries_the_plan_on_and_then_looks_for_itself() {
    let after = ChangeSetting::to(2);
    let before = ChangeSetting {
        phase: "before",
        ..ChangeSetting::to(2)
    };
    let mut carried_on = 0;
    for at in 0..trace_of(&after).len() {
        let ground = killed_before(at, &after);
        let closed = endings(&ground_if_closed(&ground)).len();
        let outcome = run_on(&ground, &before);
        assert!(
            matches!(outcome, Ok(Outcome::Done { .. })),
            "{at}: {outcome:?}"
        );
        assert_eq!(settings(&ground), vec![(2, 2); SERVERS], "{at}");
        let endings = endings(&ground);
        assert!(
            endings.iter().all(|ending| *ending == Ending::Done),
            "{at}: {endings:?}"
        );
        carried_on += usize::from(closed == 0);
    }
    assert!(carried_on > 40, "{carried_on}");
}

#[test]
fn the_same_desired_state_goes_on_in_the_same_plan() {
    let operation = ChangeSetting::to(2);
    let trace = trace_of(&operation);
    let planned = trace
        .iter()
        .position(|it| it.touch == Touch::WritePlan)
        .unwrap();
    for at in planned + 1..trace.len() {
        let ground = killed_before(at, &operation);
        let outcome = run_on(&ground, &operation);
        assert!(
            matches!(outcome, Ok(Outcome::Done { .. })),
            "{at} {outcome:?}"
        );
        assert_eq!(endings(&ground), [Ending::Done], "{at}");
    }
}

#[test]
fn a_desired_state_that_comes_back_ends_the_undo_that_the_other_one_began() {
    let (one, two) = (ChangeSetting::to(2), ChangeSetting::to(3));
    let trace = trace_of(&one);
    let restarted = trace
        .iter()
        .position(|it| it.spot == Some((Direction::Doing, 4)) && it.touch == Touch::Perform)
        .unwrap();
    // The second run is killed as soon as it has begun to undo.
    let begun = (0..200).find_map(|at| {
        let ground = killed_before(restarted, &one);
        let mut world = ToyWorld::new(&ground, "second").with_fault(at, Fault::CrashAfter);
        let stopped = run(&mut world, &two, "second").is_err();
        let journal = Journal::verify(&locked(&ground).journal).unwrap();
        let state = journal.open().map(|open| open.state);
        let undoing = matches!(state, Some(State::Undoing { started: false, .. }));
        (stopped && undoing).then_some(ground)
    });
    let ground = begun.unwrap();
    assert_eq!(run_on(&ground, &one), Ok(Outcome::Done { changed: true }));
    assert_eq!(endings(&ground), [Ending::Superseded, Ending::Done]);
    assert_eq!(settings(&ground), vec![(2, 2); SERVERS]);
}

#[test]
fn the_open_plan_of_another_operation_is_not_touched_once_begun() {
    let other = ChangeSetting {
        name: "change_otherwise",
        ..ChangeSetting::to(2)
    };
    let operation = ChangeSetting::to(2);
    let trace = trace_of(&other);
    let (mut refused, mut closed) = (0, 0);
    for at in 0..trace.len() {
        let ground = killed_before(at, &other);
        let before = locked(&ground).clone_journal();
        let open = Journal::verify(&before).unwrap().open().cloned();
        let performed = locked(&ground).performed;
        let outcome = run_on(&ground, &operation);
        match open {
            Some(open) if open.effective() > 0 => {
                refused += 1;
                let problem = refusal(outcome);
                assert!(problem.why.contains("change_otherwise"), "{problem:?}");
                assert_eq!(locked(&ground).journal, before);
                assert_eq!(locked(&ground).performed, performed);
            }
            Some(_) => {
                closed += 1;
                assert_eq!(outcome, Ok(Outcome::Done { changed: true }));
                assert_eq!(endings(&ground), [Ending::Superseded, Ending::Done]);
            }
            None => assert!(matches!(outcome, Ok(Outcome::Done { .. })), "{outcome:?}"),
        }
    }
    assert!(refused > 20 && closed > 0, "{refused} {closed}");
}

trait Journalled {
    fn clone_journal(&self) -> Stored;
}

impl<S> Journalled for Ground<S> {
    fn clone_journal(&self) -> Stored {
        self.journal.clone()
    }
}

fn half_done() -> Shared<Product> {
    let operation = ChangeSetting::to(2);
    let trace = trace_of(&operation);
    let pushed = trace
        .iter()
        .rposition(|it| it.spot == Some((Direction::Doing, 2)) && it.touch == Touch::Perform)
        .unwrap();
    killed_before(pushed, &operation)
}

#[test]
fn a_torn_journal_is_refused_at_every_byte_and_nothing_is_written() {
    let whole = locked(&half_done()).clone_journal();
    let operation = ChangeSetting::to(2);
    let mut refused = 0;
    for (key, text) in &whole.data {
        // Every byte is verified in the journal's own tests; whole runs take every seventh.
        for end in (0..text.len())
            .step_by(7)
            .filter(|end| text.is_char_boundary(*end))
        {
            if key == "progress" {
                continue;
            }
            let ground = half_done();
            let mut torn = whole.clone();
            torn.data.insert(key.clone(), text[..end].to_owned());
            locked(&ground).journal = torn.clone();
            let performed = locked(&ground).performed;
            let problem = refusal(run_on(&ground, &operation));
            assert!(problem.why.contains("journal"), "{problem:?}");
            assert_eq!(locked(&ground).journal, torn);
            assert_eq!(locked(&ground).performed, performed);
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn a_wiped_journal_is_no_journal_and_observation_suffices() {
    let ground = half_done();
    locked(&ground).journal.data.clear();
    assert_eq!(
        run_on(&ground, &ChangeSetting::to(2)),
        Ok(Outcome::Done { changed: true })
    );
    assert_eq!(settings(&ground), vec![(2, 2); SERVERS]);
}

/// A ground whose journal holds an open plan with one step begun.
fn with_open_plan(change: impl FnOnce(&mut Plan)) -> Shared<Product> {
    let ground = ground();
    let steps = [
        ToyStep::StoreCopied,
        ToyStep::SettingPushed { from: 1, to: 2 },
    ];
    let mut plan = Plan::freeze(&ChangeSetting::to(2), &steps, 1, BEGINNING).unwrap();
    change(&mut plan);
    let stored = locked(&ground).clone_journal();
    let journal = Journal::verify(&stored)
        .and_then(|journal| journal.with_plan(plan))
        .and_then(|journal| journal.with_events(1, BEGINNING, &[Event::Started { step: 0 }]))
        .unwrap();
    locked(&ground).journal = journal.stored().clone();
    ground
}

#[test]
fn a_plan_that_this_program_does_not_know_is_refused() {
    let unknown_step = with_open_plan(|plan| plan.steps[1].step = serde_json::json!("Dance"));
    let problem = refusal(run_on(&unknown_step, &ChangeSetting::to(2)));
    assert!(problem.why.contains("setting_pushed"), "{problem:?}");
    let other_step = with_open_plan(|plan| plan.steps[1].step = serde_json::json!("StoreCopied"));
    let problem = refusal(run_on(&other_step, &ChangeSetting::to(2)));
    assert!(
        problem.why.contains("is store_copied to this program"),
        "{problem:?}"
    );
    let newer = with_open_plan(|plan| plan.format = 2);
    let problem = refusal(run_on(&newer, &ChangeSetting::to(2)));
    assert!(problem.why.contains("format 2"), "{problem:?}");
    for ground in [unknown_step, other_step, newer] {
        assert_eq!(locked(&ground).performed, 0);
        assert_eq!(locked(&ground).journal_writes, 0);
    }
}

#[test]
fn what_is_refused_or_done_already_writes_nothing() {
    let ground = ground();
    let problem = refusal(run_on(&ground, &ChangeSetting::to(101)));
    assert_eq!(problem.object, "setting");
    let nothing = ChangeSetting {
        retire: false,
        ..ChangeSetting::to(1)
    };
    assert_eq!(
        run_on(&ground, &nothing),
        Ok(Outcome::Done { changed: false })
    );
    let ground = locked(&ground);
    assert_eq!((ground.performed, ground.journal_writes), (0, 0));
}

#[test]
fn a_step_past_the_point_of_no_return_is_stuck_at_its_limit_and_retried_later() {
    let ground = ground();
    let spot = (Direction::Doing, 7);
    locked(&ground).obstacles.push((spot, Obstacle::Blind));
    let operation = ChangeSetting::to(2);
    let mut world = Watched::new(&ground);
    let outcome = run(&mut world, &operation, "w");
    let Ok(Outcome::Stuck(problem)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        problem.why.contains("longer than the 30 s allowed"),
        "{problem:?}"
    );
    let of_step = |report: &Report, name: &str| match report {
        Report::StepStarted(place) => name == "started" && place.index == 8,
        Report::StepFailed { place, .. } => name == "failed" && place.index == 8,
        _ => false,
    };
    let began = world.first(|report| of_step(report, "started"));
    let failed = world.first(|report| of_step(report, "failed"));
    let took = failed - began;
    assert!(
        (STEP_SECONDS * 1_000..STEP_SECONDS * 1_000 + 2_000).contains(&took),
        "{took}"
    );
    let told = describe(&locked(&ground).journal);
    assert!(told.contains("can only go forward"), "{told}");
    assert!(told.contains("8 traffic_settled: failed"), "{told}");
    // Still blind: stuck again, and the plan is still the same one.
    assert!(matches!(run_on(&ground, &operation), Ok(Outcome::Stuck(_))));
    locked(&ground).obstacles.clear();
    assert_eq!(
        run_on(&ground, &operation),
        Ok(Outcome::Done { changed: true })
    );
    assert_eq!(endings(&ground), [Ending::Done]);
}

#[test]
fn attempts_are_counted_and_spaced() {
    let ground = ground();
    locked(&ground)
        .obstacles
        .push(((Direction::Doing, 1), Obstacle::Declined { after: 0 }));
    let mut world = Watched::new(&ground);
    let outcome = run(&mut world, &ChangeSetting::to(2), "w");
    let Ok(Outcome::Unwound(problem)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        problem.why.contains("3 attempts, as many as allowed"),
        "{problem:?}"
    );
    assert!(
        problem
            .why
            .contains("last fault: the simulated product: it declines"),
        "{problem:?}"
    );
    let copies = world
        .performed
        .iter()
        .filter(|command| matches!(command, Command::Copy { .. }))
        .count();
    assert_eq!(
        copies, 3,
        "each attempt ends at the first command that is declined"
    );
    let acted: Vec<Moment> = world
        .told
        .iter()
        .filter(|(_, report)| matches!(report, Report::StepActing { .. }))
        .map(|(moment, _)| *moment)
        .collect();
    assert!(
        acted.windows(2).all(|pair| pair[1] - pair[0] >= 500),
        "{acted:?}"
    );
}

#[test]
fn undoing_goes_backwards_and_says_so() {
    let ground = ground();
    locked(&ground)
        .obstacles
        .push(((Direction::Doing, 4), Obstacle::BlindAfterAct));
    let mut world = Watched::new(&ground);
    let outcome = run(&mut world, &ChangeSetting::to(2), "w");
    assert!(matches!(outcome, Ok(Outcome::Unwound(_))), "{outcome:?}");
    let undone: Vec<usize> = world
        .told
        .iter()
        .filter_map(|(_, report)| match report {
            Report::StepDone { place, .. } if place.direction == Direction::Undoing => {
                Some(place.index)
            }
            _ => None,
        })
        .collect();
    assert_eq!(undone, [5, 4, 3, 2, 1]);
    assert_eq!(settings(&ground), vec![(1, 1); SERVERS]);
    assert!(locked(&ground).simulation.keys.is_empty());
}

#[test]
fn a_runner_that_was_overtaken_says_so_at_each_of_its_writes() {
    let operation = ChangeSetting::to(2);
    let trace = trace_of(&operation);
    let mut superseded = 0;
    for (at, interaction) in trace.iter().enumerate() {
        let holds = !matches!(interaction.touch, Touch::TakeLease | Touch::ReleaseLease);
        if !interaction.touch.is_write() || !holds {
            continue;
        }
        let ground = ground();
        let shared = Arc::clone(&ground);
        let mut world = ToyWorld::new(&ground, "first")
            .with_fault(at, Fault::Overtaken)
            .with_overtaking(Box::new(move || {
                let outcome = run_on(&shared, &ChangeSetting::to(2));
                assert!(matches!(outcome, Ok(Outcome::Done { .. })), "{outcome:?}");
            }));
        assert_eq!(
            run(&mut world, &operation, "first"),
            Ok(Outcome::Superseded),
            "{at}"
        );
        assert_eq!(locked(&ground).violation, None, "{at}");
        superseded += 1;
    }
    assert!(superseded > 30, "{superseded}");
}

#[test]
fn planning_alone_tells_the_steps_and_the_open_plan() {
    let ground = ground();
    let operation = ChangeSetting::to(2);
    let preview = plan_only(&mut ToyWorld::new(&ground, "look"), &operation).unwrap();
    assert!(preview.open.is_none());
    assert!(matches!(preview.planning, Planning::Steps(steps) if steps.len() == 8));
    let ground = half_done();
    let preview = plan_only(&mut ToyWorld::new(&ground, "look"), &operation).unwrap();
    assert!(preview.open.unwrap().contains("3 setting_pushed: begun"));
}

/// An operation whose survey never ends, or whose servers never answer.
struct Curious {
    endless: bool,
}

impl Operation for Curious {
    type Step = ToyStep;

    fn name(&self) -> &'static str {
        "be_curious"
    }

    fn phase(&self) -> &'static str {
        "after"
    }

    fn fingerprint(&self) -> String {
        String::new()
    }

    fn limits(&self) -> Limits {
        Limits {
            seconds: 9,
            rounds: 3,
            ..Limits::default()
        }
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let asked = seen.answers.len();
        let all = [
            Query::Keys,
            Query::Listener,
            Query::Traffic,
            Query::Server(0),
        ];
        all.get(asked)
            .filter(|_| self.endless)
            .cloned()
            .into_iter()
            .collect()
    }

    fn plan(&self, _seen: &Seen<Query, Answer>) -> Planning<ToyStep> {
        let otherwise = Problem {
            object: "servers".to_owned(),
            why: "they do not come".to_owned(),
            remedy: "start them".to_owned(),
        };
        Planning::Wait {
            why: "servers come".to_owned(),
            otherwise,
        }
    }
}

#[test]
fn a_survey_has_limits() {
    let ground = ground();
    let endless = run(
        &mut ToyWorld::new(&ground, "a"),
        &Curious { endless: true },
        "a",
    );
    assert!(refusal(endless).why.contains("more than the 3 rounds"));
    let before = locked(&ground).clock;
    let waiting = run(
        &mut ToyWorld::new(&ground, "b"),
        &Curious { endless: false },
        "b",
    );
    assert_eq!(refusal(waiting).why, "they do not come");
    let waited = locked(&ground).clock - before;
    assert!((9_000..11_000).contains(&waited), "{waited}");
    assert_eq!(locked(&ground).journal_writes, 0);
}

#[test]
fn a_plan_that_could_outgrow_the_journal_is_refused_before_anything_happens() {
    let many: Vec<ToyStep> = (0..2_000)
        .map(|server| ToyStep::ServerRestarted {
            server,
            from: 1,
            to: 2,
        })
        .collect();
    let error = Plan::freeze(&ChangeSetting::to(2), &many, 1, BEGINNING).unwrap_err();
    assert!(
        error.to_string().contains("at most 524288 are allowed"),
        "{error}"
    );
    let twice = [ToyStep::StoreCopied, ToyStep::StoreCopied];
    let error = Plan::freeze(&ChangeSetting::to(2), &twice, 1, BEGINNING).unwrap_err();
    assert!(
        error.to_string().contains("two steps named store_copied"),
        "{error}"
    );
    let fingerprint = Product::new().fingerprint();
    assert!(fingerprint.contains("listening true"));
}
