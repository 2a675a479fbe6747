//! The clock of a run: it starts at the system's time and then only goes forward with the time that passed.

use std::time::{SystemTime, UNIX_EPOCH};

use midships_engine::step::Moment;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// A clock that nobody sets. It counts the time in which the machine was suspended, during which a
/// lease runs out as well.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: Moment,
    since_boot: u64,
}

impl Clock {
    /// A clock that starts at the system's time.
    pub fn start() -> Self {
        // A system time before 1970 only makes the shown times wrong.
        let began = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            began: u64::try_from(began.as_millis()).unwrap_or(0),
            since_boot: since_boot(),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now(&self) -> Moment {
        self.began + since_boot().saturating_sub(self.since_boot)
    }
}

/// Milliseconds since the machine was started, the time in which it was suspended included.
fn since_boot() -> u64 {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(tv_nsec).unwrap_or(0);
    seconds * 1_000 + nanoseconds / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_goes_back_and_tells_the_systems_time() {
        let clock = Clock::start();
        let first = clock.now();
        let second = clock.now();
        assert!(first <= second);
        let system = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_millis();
        assert!(
            system.abs_diff(u128::from(second)) < 60_000,
            "{system} and {second}"
        );
    }
}
