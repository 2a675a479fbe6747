//! The real world of a run: one thread, the Kubernetes API, the product's own protocol, and the signal to stop.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::{StreamExt, stream};
use midships_client_kubernetes::{Reason, Store, TIMEOUT};
use midships_engine::report::{Outcome, Report};
use midships_engine::step::{Moment, Unanswered};
use midships_engine::world::{
    CommandFault, Interrupted, LeaseRecord, Permit, StoreFault, Stored, World,
};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind};

use crate::clock::Clock;
use crate::family::Family;
use crate::log;

/// How many questions are open at the same time.
const QUESTIONS_AT_ONCE: usize = 32;

/// How long a wait for the same thing is not told again, in milliseconds.
const WAIT_TOLD_EVERY: u64 = 10_000;

/// The world as a Job of a release meets it.
#[derive(Debug)]
pub struct RealWorld<F> {
    runtime: Runtime,
    clock: Clock,
    store: Store,
    family: F,
    identity: String,
    signals: Vec<(&'static str, Signal)>,
    /// Why everything is refused from now on.
    stopped: Option<Interrupted>,
    /// Whether this run has told of a start, so that its end is worth an Event too.
    announced: bool,
    /// The wait that was told last, without its figures, and when.
    told: Option<(String, Moment)>,
    /// Whether this world is only looked at: nothing is told, no Event written and nothing waited for.
    glance: bool,
    /// What a look would have waited for.
    awaited: Option<String>,
}

impl<F: Family> RealWorld<F> {
    /// A world for one run. The runtime must be the one that the store's client was made in.
    ///
    /// # Errors
    /// When the system gives no notice of signals.
    pub fn new(
        runtime: Runtime,
        clock: Clock,
        store: Store,
        family: F,
        identity: String,
    ) -> std::io::Result<Self> {
        let signals = {
            let _entered = runtime.enter();
            vec![
                (
                    "SIGTERM",
                    tokio::signal::unix::signal(SignalKind::terminate())?,
                ),
                (
                    "SIGINT",
                    tokio::signal::unix::signal(SignalKind::interrupt())?,
                ),
            ]
        };
        Ok(Self {
            runtime,
            clock,
            store,
            family,
            identity,
            signals,
            stopped: None,
            announced: false,
            told: None,
            glance: false,
            awaited: None,
        })
    }

    /// The name of this run, which no other has.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// From now on nothing is told, no Event written and nothing waited for: for a person who asks
    /// what a run would do.
    pub fn glance(&mut self) {
        self.glance = true;
    }

    /// What the look that was interrupted would have waited for, if that is why.
    pub fn awaited(&mut self) -> Option<String> {
        self.awaited.take()
    }

    /// Gives the lease back after an interruption by a signal, so that the next run need not wait
    /// for it to run out. Nothing of this run is under way then: every call was awaited.
    pub fn leave(&mut self) {
        if self.stopped.is_none() {
            return;
        }
        let released = self
            .runtime
            .block_on(self.store.release_lease(&self.identity));
        let text = match released {
            Ok(true) => "lease released".to_owned(),
            Ok(false) => return,
            Err(fault) => format!("lease not released, it runs out by itself: {fault:?}"),
        };
        log::line(self.clock.now(), &text);
    }

    /// Whether a signal has come, without waiting for one.
    fn check(&mut self) -> Result<(), Interrupted> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        let signals = &mut self.signals;
        // The runtime has to turn once before a signal that has arrived is seen.
        let name = self.runtime.block_on(async {
            tokio::task::yield_now().await;
            arrived(signals)
        });
        match name {
            Some(name) => Err(self.stop(name)),
            None => Ok(()),
        }
    }

    fn stop(&mut self, signal: &str) -> Interrupted {
        let interrupted = Interrupted {
            why: format!("{signal} received"),
        };
        self.stopped = Some(interrupted.clone());
        interrupted
    }

    /// Carries something that may be given up when a signal comes.
    fn carry<T>(&mut self, work: impl AsyncFnOnce(&Store, &F) -> T) -> Result<T, Interrupted> {
        self.check()?;
        let (store, family, signals) = (&self.store, &self.family, &mut self.signals);
        let carried = self.runtime.block_on(async {
            let mut work = pin!(work(store, family));
            let mut any = pin!(any_signal(signals));
            tokio::select! {
                biased;
                result = &mut work => Ok(result),
                name = &mut any => Err(name),
            }
        });
        carried.map_err(|name| self.stop(name))
    }

    /// Carries something on the store to its end, whatever comes.
    fn settle<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Store) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        self.check().map_err(StoreFault::Interrupted)?;
        self.runtime.block_on(work(&mut self.store))
    }

    fn event(&mut self, reason: Reason, text: &str) {
        // After a signal there is no time for people's convenience.
        if self.stopped.is_some() {
            return;
        }
        let written = self
            .runtime
            .block_on(self.store.create_event(reason, text, &self.identity));
        if let Err(error) = written {
            log::line(
                self.clock.now(),
                &format!("an Event was not written, which changes nothing else: {error}"),
            );
        }
    }
}

/// The name of a signal that has arrived already.
fn arrived(signals: &mut [(&'static str, Signal)]) -> Option<&'static str> {
    let mut context = Context::from_waker(Waker::noop());
    signals
        .iter_mut()
        .find_map(|(name, signal)| match signal.poll_recv(&mut context) {
            Poll::Ready(_) => Some(*name),
            Poll::Pending => None,
        })
}

/// The name of the next signal.
async fn any_signal(signals: &mut [(&'static str, Signal)]) -> &'static str {
    std::future::poll_fn(|context| {
        for (name, signal) in &mut *signals {
            if signal.poll_recv(context).is_ready() {
                return Poll::Ready(*name);
            }
        }
        Poll::Pending
    })
    .await
}

/// Asks all questions, some at the same time; answers in the same order.
async fn ask_all<'a, Q: 'a, A, W: Future<Output = A>>(
    queries: &'a [Q],
    ask: impl Fn(&'a Q) -> W,
) -> Vec<A> {
    stream::iter(queries.iter().map(ask))
        .buffered(QUESTIONS_AT_ONCE)
        .collect()
        .await
}

/// Whether a command that is sent now has taken effect by the time that its permit ends.
fn in_time(now: Moment, until: Moment) -> bool {
    let longest = u64::try_from(TIMEOUT.as_millis()).unwrap_or(u64::MAX);
    now.checked_add(longest).is_some_and(|end| end <= until)
}

impl<F: Family> World for RealWorld<F> {
    type Query = F::Query;
    type Answer = F::Answer;
    type Command = F::Command;

    fn now(&mut self) -> Moment {
        self.clock.now()
    }

    fn pause(&mut self, milliseconds: u64) -> Result<(), Interrupted> {
        if let Some(why) = &self.awaited {
            return Err(Interrupted { why: why.clone() });
        }
        self.carry(async |_, _| tokio::time::sleep(Duration::from_millis(milliseconds)).await)
    }

    fn ask(
        &mut self,
        queries: &[Self::Query],
    ) -> Result<Vec<Result<Self::Answer, Unanswered>>, Interrupted> {
        self.carry(async |store, family| {
            ask_all(queries, |query| family.ask(store.client(), query)).await
        })
    }

    fn perform(&mut self, command: &Self::Command, permit: &Permit) -> Result<(), CommandFault> {
        self.check().map_err(CommandFault::Interrupted)?;
        if !in_time(self.clock.now(), permit.until()) {
            return Err(CommandFault::Declined(Unanswered {
                object: "lease".to_owned(),
                why: "it would run out before the command has surely taken effect".to_owned(),
            }));
        }
        // To its end, even if a signal comes: the lease is given back only when nothing is under way.
        self.runtime
            .block_on(self.family.perform(self.store.client(), command))
    }

    fn read_journal(&mut self) -> Result<Stored, StoreFault> {
        self.settle(async |store| store.read_journal().await)
    }

    fn write_journal(&mut self, journal: &Stored) -> Result<String, StoreFault> {
        self.settle(async |store| store.write_journal(journal).await)
    }

    fn read_lease(&mut self) -> Result<LeaseRecord, StoreFault> {
        self.settle(async |store| store.read_lease().await)
    }

    fn write_lease(&mut self, lease: &LeaseRecord) -> Result<LeaseRecord, StoreFault> {
        self.settle(async |store| store.write_lease(lease).await)
    }

    fn report(&mut self, report: &Report) {
        if self.glance {
            if let Report::SurveyWaiting { why, .. } = report {
                self.awaited = Some(why.clone());
            }
            return;
        }
        let now = self.clock.now();
        if let Some(wait) = wait(report) {
            if self
                .told
                .as_ref()
                .is_some_and(|(told, since)| *told == wait && now < since + WAIT_TOLD_EVERY)
            {
                return;
            }
            self.told = Some((wait, now));
        }
        let text = report.to_string();
        log::line(now, &text);
        if let Some(reason) = reason(report, self.announced) {
            self.announced |= reason == Reason::OperationStarted;
            self.event(reason, &text);
        }
    }
}

/// What a report waits for before there is a plan, without the figures that change with every look.
/// The waits of steps are told as the engine tells them, with their progress.
fn wait(report: &Report) -> Option<String> {
    match report {
        Report::LeaseHeld { holder, .. } => Some(holder.clone()),
        Report::SurveyWaiting { why, .. } => Some(why.clone()),
        _ => None,
    }
}

/// The Event that a report is worth, if any: starts, outcomes and refusals. A run that found
/// nothing to do is worth none.
fn reason(report: &Report, announced: bool) -> Option<Reason> {
    match report {
        Report::PlanMade { .. } | Report::Resumed { .. } => Some(Reason::OperationStarted),
        Report::Ended { outcome, .. } => match outcome {
            Outcome::Done { changed } => (*changed || announced).then_some(Reason::OperationDone),
            Outcome::Refused(_) => Some(Reason::OperationRefused),
            Outcome::Stuck(_) => Some(Reason::OperationStuck),
            Outcome::Unwound(_) => Some(Reason::OperationUnwound),
            Outcome::Superseded => Some(Reason::OperationSuperseded),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_command_must_have_its_whole_time_before_the_permit_ends() {
        assert!(in_time(10_000, 14_000));
        assert!(!in_time(10_001, 14_000));
        assert!(!in_time(Moment::MAX, Moment::MAX));
    }

    #[test]
    fn questions_are_asked_at_the_same_time_up_to_a_bound_and_answered_in_order() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (open, most) = (Cell::new(0), Cell::new(0));
        let queries: Vec<usize> = (0..100).collect();
        let answers = runtime.block_on(ask_all(&queries, async |query| {
            open.set(open.get() + 1);
            most.set(most.get().max(open.get()));
            tokio::task::yield_now().await;
            open.set(open.get() - 1);
            *query
        }));
        assert_eq!(answers, queries);
        assert_eq!(most.get(), QUESTIONS_AT_ONCE);
    }

    #[test]
    fn the_same_wait_is_known_by_its_reason_and_not_by_its_figures() {
        let waiting = |why: &str, seconds| Report::SurveyWaiting {
            why: why.to_owned(),
            seconds,
            limit: 60,
        };
        assert_eq!(
            wait(&waiting("pods start", 1)),
            wait(&waiting("pods start", 2))
        );
        assert_ne!(
            wait(&waiting("pods start", 1)),
            wait(&waiting("brokers register", 1))
        );
        assert_eq!(wait(&Report::LeaseTaken { epoch: 1 }), None);
    }

    #[test]
    fn starts_outcomes_and_refusals_are_worth_an_event() {
        let ended = |outcome| Report::Ended {
            operation: "o".to_owned(),
            outcome,
            seconds: 1,
        };
        assert_eq!(
            reason(&ended(Outcome::Done { changed: false }), false),
            None
        );
        assert_eq!(
            reason(&ended(Outcome::Done { changed: false }), true),
            Some(Reason::OperationDone)
        );
        assert_eq!(
            reason(&ended(Outcome::Done { changed: true }), false),
            Some(Reason::OperationDone)
        );
        assert_eq!(
            reason(&ended(Outcome::Superseded), false),
            Some(Reason::OperationSuperseded)
        );
        assert_eq!(reason(&Report::LeaseTaken { epoch: 1 }, false), None);
        let made = Report::PlanMade {
            operation: "o".to_owned(),
            steps: Vec::new(),
        };
        assert_eq!(reason(&made, false), Some(Reason::OperationStarted));
    }
}
