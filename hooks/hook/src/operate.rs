//! `run` and `plan`: brings a release to its desired state, or tells what would be done.

use std::path::Path;

use midships_client_kubernetes::{Client, Store};
use midships_engine::journal::Journal;
use midships_engine::runner;
use midships_engine::step::{Planning, Problem, Step};
use midships_engine::world::World;
use midships_operations_redis::Shown;
use tokio::runtime::Runtime;

use crate::arguments::{self, Phase};
use crate::certificates;
use crate::clock::Clock;
use crate::desired::{self, OfAnyFamily, Wanted};
use crate::exit::Exit;
use crate::family::{Family, Work};
use crate::log;
use crate::redis::{Redis, RedisWork};
use crate::rocketmq::{Rocketmq, RocketmqWork};
use crate::signing;
use crate::world::RealWorld;

/// The environment variable with which the chart tells a Job's program the name of its pod.
const IDENTITY: &str = "MIDSHIPS_IDENTITY";

/// Brings a release to its desired state.
pub fn run(arguments: &arguments::Run) -> Exit {
    let phase = arguments.phase;
    let prepared = Prepared::new(&arguments.desired, &arguments.access, Some(phase), true);
    match prepared {
        Ok(Prepared::Rocketmq { desired, world }) => {
            carry_out(*world, &RocketmqWork::new(&desired, phase), phase)
        }
        Ok(Prepared::Redis { desired, world }) => {
            carry_out(*world, &RedisWork::new(*desired, phase), phase)
        }
        Err(exit) => exit,
    }
}

/// Carries work out in a world of its family.
fn carry_out<F, W>(mut world: RealWorld<F>, work: &W, phase: Phase) -> Exit
where
    F: Family<
            Query = <W::Step as Step>::Query,
            Answer = <W::Step as Step>::Answer,
            Command = <W::Step as Step>::Command,
        >,
    W: Work,
{
    let operations = work.operations();
    let operations: Vec<_> = operations.iter().map(AsRef::as_ref).collect();
    let identity = world.identity().to_owned();
    match runner::run_all(&mut world, &operations, work.surveys(), &identity) {
        Ok(outcome) => {
            let exit = Exit::from(&outcome);
            if phase == Phase::Delete && exit != Exit::Done && is_past_return(&mut world) {
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
fn is_past_return<F: Family>(world: &mut RealWorld<F>) -> bool {
    let Ok(stored) = world.read_journal() else {
        return false;
    };
    Journal::verify(&stored)
        .is_ok_and(|journal| journal.open().is_some_and(|open| !open.reversible()))
}

/// Tells what a run would do, and changes nothing.
pub fn plan(arguments: &arguments::Plan) -> Exit {
    let phase = arguments.phase;
    let prepared = Prepared::new(&arguments.desired, &arguments.access, phase, false);
    let phases = match phase {
        Some(phase) => vec![phase],
        None => vec![Phase::Before, Phase::After],
    };
    let phases = phases.into_iter();
    match prepared {
        Ok(Prepared::Rocketmq { desired, world }) => {
            let works = phases.map(|phase| RocketmqWork::new(&desired, phase));
            tell_plans(*world, works)
        }
        Ok(Prepared::Redis { desired, world }) => {
            let works = phases.map(|phase| RedisWork::new((*desired).clone(), phase));
            tell_plans(*world, works)
        }
        Err(exit) => exit,
    }
}

/// Tells what works would do in a world of their family.
fn tell_plans<F, W>(mut world: RealWorld<F>, works: impl Iterator<Item = W>) -> Exit
where
    F: Family<
            Query = <W::Step as Step>::Query,
            Answer = <W::Step as Step>::Answer,
            Command = <W::Step as Step>::Command,
        >,
    W: Work,
{
    world.glance();
    let mut exit = Exit::Done;
    let mut open_told = false;
    for operation in works.flat_map(|work| work.operations()) {
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

/// A desired state with the world of its family.
enum Prepared {
    /// Of a chart of RocketMQ.
    Rocketmq {
        desired: Wanted,
        world: Box<RealWorld<Rocketmq>>,
    },
    /// Of a chart of Redis or Valkey.
    Redis {
        desired: Box<midships_operations_redis::Desired>,
        world: Box<RealWorld<Redis>>,
    },
}

impl Prepared {
    /// Reads the desired state, connects, and sees that servers can be asked as they want it.
    fn new(
        path: &Path,
        access: &arguments::Access,
        phase: Option<Phase>,
        is_run: bool,
    ) -> Result<Self, Exit> {
        let clock = Clock::start();
        let desired = desired::read_any(path).map_err(|error| {
            if let Some(problem) = error.problem() {
                return refused(clock, &problem);
            }
            log::complain(&error.to_string());
            Exit::Usage
        })?;
        let is_delete = phase == Some(Phase::Delete);
        match desired {
            OfAnyFamily::Redis(desired) => {
                let read = signing::of_redis(access.credentials.as_deref()).and_then(|signed| {
                    Ok((signed, certificates::of_redis(access.tls.as_deref())?))
                });
                let (credentials, encryption) = read.map_err(|problem| refused(clock, &problem))?;
                let desired = Box::new(desired.showing(shown(credentials.as_ref())));
                let family = Redis::new(credentials, encryption);
                let place = (&*desired.namespace, &*desired.full_name);
                let world = Box::new(world(runtime_of(clock)?, clock, place, family)?);
                Ok(Self::Redis { desired, world })
            }
            OfAnyFamily::Rocketmq(desired) => {
                let family = of_rocketmq(clock, &desired, access, is_delete, is_run)?;
                let runtime = runtime_of(clock)?;
                if !is_delete {
                    let is_before = phase != Some(Phase::After);
                    let refusal = runtime.block_on(async {
                        let client = family.client();
                        // Who cannot be talked to cannot be asked for whom it knows.
                        match certificates::refusal(client, &desired, is_before).await {
                            None => {
                                signing::refusal(client, family.credentials(), &desired, is_before)
                                    .await
                            }
                            refusal => refusal,
                        }
                    });
                    if let Some(problem) = refusal {
                        return Err(refused(clock, &problem));
                    }
                }
                let world = Box::new(world(runtime, clock, desired.place(), family)?);
                Ok(Self::Rocketmq { desired, world })
            }
        }
    }
}

/// Which passwords there are to be shown.
fn shown(credentials: Option<&midships_client_redis::Credentials>) -> Shown {
    match credentials.map(|credentials| &credentials.previous) {
        None => Shown::Nothing,
        Some(None) => Shown::Alone,
        Some(Some(_)) => Shown::WithPrevious,
    }
}

fn refused(clock: Clock, problem: &Problem) -> Exit {
    log::line(clock.now(), &format!("Refused: {}", told(problem)));
    Exit::Refused
}

fn crashed(clock: Clock, why: &str) -> Exit {
    log::line(clock.now(), why);
    Exit::Crash
}

fn runtime_of(clock: Clock) -> Result<Runtime, Exit> {
    runtime().map_err(|why| crashed(clock, &why))
}

/// How brokers and name servers are talked to, once it is seen that the Secrets for it are fit.
fn of_rocketmq(
    clock: Clock,
    desired: &Wanted,
    access: &arguments::Access,
    is_delete: bool,
    is_run: bool,
) -> Result<Rocketmq, Exit> {
    let (signed, tls) = (access.credentials.as_deref(), access.tls.as_deref());
    let read = signing::read(signed).and_then(|signed| {
        Ok((
            signed,
            certificates::encryption(tls, desired.requires_tls())?,
        ))
    });
    let (credentials, encryption) = match read {
        // A release may go whatever has become of its Secrets: what is not signed is refused where it matters, and where TLS cannot
        // be spoken nothing is signed.
        Err(_) if is_delete => (None, None),
        read => read.map_err(|problem| refused(clock, &problem))?,
    };
    if let (Wanted::Rocketmq { file, .. }, false) = (desired, is_delete) {
        signing::judge_accounts(signed, &file.values)
            .map_err(|problem| refused(clock, &problem))?;
    }
    // Who only asks for a plan need not have the private key.
    if let (Some(directory), Wanted::Rocketmq { .. }, true) = (tls, desired, is_run) {
        certificates::judge(directory).map_err(|problem| refused(clock, &problem))?;
    }
    Ok(Rocketmq::new(credentials, encryption))
}

/// The world of a release.
fn world<F: Family>(
    runtime: Runtime,
    clock: Clock,
    (namespace, full_name): (&str, &str),
    family: F,
) -> Result<RealWorld<F>, Exit> {
    let client = runtime
        .block_on(Client::connect(Some(namespace)))
        .map_err(|error| crashed(clock, &error.to_string()))?;
    let store = Store::new(client, full_name);
    RealWorld::new(runtime, clock, store, family, identity(clock))
        .map_err(|error| crashed(clock, &format!("unable to listen for signals: {error}")))
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
