//! `run` and `plan`: brings a release to its desired state, or tells what would be done.

use midships_client_kubernetes::{Client, Store};
use midships_engine::journal::Journal;
use midships_engine::runner;
use midships_engine::step::{Planning, Problem, Step};
use midships_engine::world::World;
use tokio::runtime::Runtime;

use crate::arguments::{self, Phase};
use crate::certificates;
use crate::clock::Clock;
use crate::desired::{self, Wanted};
use crate::exit::Exit;
use crate::log;
use crate::rocketmq::{Rocketmq, Work};
use crate::signing;
use crate::world::RealWorld;

/// The environment variable with which the chart tells a Job's program the name of its pod.
const IDENTITY: &str = "MIDSHIPS_IDENTITY";

/// Brings a release to its desired state.
pub fn run(arguments: &arguments::Run) -> Exit {
    let (desired, mut world, identity) = match prepared(
        &arguments.desired,
        &arguments.access,
        Some(arguments.phase),
        true,
    ) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let work = Work::new(&desired, arguments.phase);
    let operations = work.operations();
    let operations: Vec<_> = operations.iter().map(AsRef::as_ref).collect();
    match runner::run_all(&mut world, &operations, work.surveys(), &identity) {
        Ok(outcome) => {
            let exit = Exit::from(&outcome);
            if arguments.phase == Phase::Delete && exit != Exit::Done && is_past_return(&mut world)
            {
                log::line(
                    world.now(),
                    "this is past the point of no return, so that nothing can be taken back, and could not be finished: \
                     what is named above remains to be done by hand. The release may be deleted",
                );
                return Exit::Done;
            }
            exit
        }
        Err(interrupted) => {
            log::line(
                world.now(),
                &format!(
                    "interrupted: {}; the next run goes on from here",
                    interrupted.why
                ),
            );
            world.leave();
            Exit::Crash
        }
    }
}

/// Whether a plan is open that can only go forward. Nobody is kept from deleting a release for it.
fn is_past_return(world: &mut RealWorld<Rocketmq>) -> bool {
    let Ok(stored) = world.read_journal() else {
        return false;
    };
    Journal::verify(&stored)
        .is_ok_and(|journal| journal.open().is_some_and(|open| !open.reversible()))
}

/// Tells what a run would do, and changes nothing.
pub fn plan(arguments: &arguments::Plan) -> Exit {
    let (desired, mut world, _) = match prepared(
        &arguments.desired,
        &arguments.access,
        arguments.phase,
        false,
    ) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    world.glance();
    let phases = match arguments.phase {
        Some(phase) => vec![phase],
        None => vec![Phase::Before, Phase::After],
    };
    let mut exit = Exit::Done;
    let mut open_told = false;
    for phase in phases {
        for operation in Work::new(&desired, phase).operations() {
            let title = format!("{} ({})", operation.name(), operation.phase());
            match runner::plan_only(&mut world, operation.as_ref()) {
                Ok(preview) => {
                    if let Some(open) = preview.open.filter(|_| !open_told) {
                        log::say(&format!(
                            "a run would first settle what an earlier one left open:\n{open}"
                        ));
                        open_told = true;
                    }
                    log::say(&format!("{title}: {}", described(&preview.planning)));
                    if matches!(preview.planning, Planning::Refused(_)) {
                        exit = Exit::Refused;
                    }
                }
                Err(interrupted) => {
                    if let Some(why) = world.awaited() {
                        log::say(&format!("{title}: would wait before it can tell: {why}"));
                        continue;
                    }
                    log::complain(&format!("{title}: interrupted: {}", interrupted.why));
                    return Exit::Crash;
                }
            }
        }
    }
    exit
}

fn described<S: Step>(planning: &Planning<S>) -> String {
    match planning {
        Planning::Nothing { why } | Planning::Absent { why } => format!("nothing to do: {why}"),
        Planning::Wait { why, .. } => format!("would wait: {why}"),
        Planning::Refused(problem) => format!("would be refused: {}", told(problem)),
        Planning::Steps(steps) => {
            let lines = steps.iter().enumerate().map(|(index, step)| {
                let undoable = if step.undoable() {
                    ""
                } else {
                    " (cannot be undone)"
                };
                format!("\n  {}. {}{undoable}", index + 1, step.name())
            });
            format!("{} steps{}", steps.len(), lines.collect::<String>())
        }
    }
}

/// A problem with what to do about it, on one line.
pub fn told(problem: &Problem) -> String {
    format!("{}: {}; {}", problem.object, problem.why, problem.remedy)
}

type Prepared = (Wanted, RealWorld<Rocketmq>, String);

/// Reads the desired state, connects, and sees that servers can be asked as they want it.
fn prepared(
    path: &std::path::Path,
    access: &arguments::Access,
    phase: Option<Phase>,
    is_run: bool,
) -> Result<Prepared, Exit> {
    let clock = Clock::start();
    let refused = |problem: &Problem| {
        log::line(clock.now(), &format!("Refused: {}", told(problem)));
        Exit::Refused
    };
    let desired = desired::read_any(path).map_err(|error| {
        if let Some(problem) = error.problem() {
            return refused(&problem);
        }
        log::complain(&error.to_string());
        Exit::Usage
    })?;
    let is_delete = phase == Some(Phase::Delete);
    let tls = access.tls.as_deref();
    let read = signing::read(access.credentials.as_deref()).and_then(|signed| {
        Ok((
            signed,
            certificates::encryption(tls, desired.requires_tls())?,
        ))
    });
    let (credentials, encryption) = match read {
        // A release may go whatever has become of its Secrets: what is not signed is refused where it matters, and where TLS cannot
        // be spoken nothing is signed.
        Err(_) if is_delete => (None, None),
        read => read.map_err(|problem| refused(&problem))?,
    };
    if let (Wanted::Rocketmq { file, .. }, false) = (&desired, is_delete) {
        signing::judge_accounts(access.credentials.as_deref(), &file.values)
            .map_err(|problem| refused(&problem))?;
    }
    // Who only asks for a plan need not have the private key.
    if let (Some(directory), Wanted::Rocketmq { .. }, true) = (tls, &desired, is_run) {
        certificates::judge(directory).map_err(|problem| refused(&problem))?;
    }
    let family = Rocketmq::new(credentials.clone(), encryption);
    let identity = identity(clock);
    let crashed = |why: String| {
        log::line(clock.now(), &why);
        Exit::Crash
    };
    let runtime = runtime().map_err(crashed)?;
    if !is_delete {
        let is_before = phase != Some(Phase::After);
        let refusal = async {
            let client = family.client();
            // Who cannot be talked to cannot be asked for whom it knows.
            match certificates::refusal(client, &desired, is_before).await {
                None => signing::refusal(client, credentials.as_ref(), &desired, is_before).await,
                refusal => refusal,
            }
        };
        if let Some(problem) = runtime.block_on(refusal) {
            return Err(refused(&problem));
        }
    }
    let (namespace, full_name) = desired.place();
    let client = runtime
        .block_on(Client::connect(Some(namespace)))
        .map_err(|error| crashed(error.to_string()))?;
    let store = Store::new(client, full_name);
    let world = RealWorld::new(runtime, clock, store, family, identity.clone())
        .map_err(|error| crashed(format!("unable to listen for signals: {error}")))?;
    Ok((desired, world, identity))
}

/// One thread is enough: the program waits most of the time.
pub fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("unable to start: {error}"))
}

/// A name that no other process has: the pod's or the host's, with the process and its start.
pub fn identity(clock: Clock) -> String {
    let host = std::env::var(IDENTITY).unwrap_or_else(|_| {
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned()
    });
    format!("{host}/{}-{:x}", std::process::id(), clock.now())
}
