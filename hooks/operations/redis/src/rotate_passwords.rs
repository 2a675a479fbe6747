//! `rotate_passwords`: running servers take a new password beside the previous one, and leave that off when it is gone from the Secret.
//!
//! A server shows its master the new one only when all take it, and the previous one is taken until all show the new one: so that
//! nobody is turned away, neither a client nor a replica. What is in the Secret is nothing that Helm applies; it is wanted in both
//! phases, and *before* it is wanted by operations that move slots, since servers show each other a password for that. The kubelet may
//! bring a Secret into pods a minute and a half late, and nothing here waits for that.

use midships_client_redis::{Password, Passwords, Request};
use midships_engine::step::{Limits, Operation, Phase, Planning, Problem, Unanswered, Verdict};

use crate::desired::{Desired, Server, Shown};
use crate::steps::{Observation, RedisStep, told, waiting};
use crate::survey::absent;
use crate::view::{View, ask_passwords, ask_pods};
use crate::vocabulary::{Command, Query};

/// The field that names where passwords come from.
const FIELD: &str = "authentication";

/// The operation, for one release.
#[derive(Clone, Debug)]
pub struct RotatePasswords {
    desired: Desired,
    phase: Phase,
}

impl RotatePasswords {
    /// Brings the servers of a release to the passwords of its Secret.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// Why two passwords cannot be had, where they are wanted.
    fn refusal(&self) -> Option<Problem> {
        if self.desired.shown != Shown::WithPrevious {
            return None;
        }
        let refused = |why: String, remedy: &str| {
            Some(Problem {
                object: FIELD.to_owned(),
                why,
                remedy: remedy.to_owned(),
            })
        };
        if self.desired.watch().is_some() {
            return refused(
                "its Secret has a previous password too, and Sentinels take one only".to_owned(),
                "take the previous one out of the Secret; a set with Sentinels changes its password when all its pods are deleted at once",
            );
        }
        if !self.desired.version.has_users() {
            return refused(
                format!(
                    "its Secret has a previous password too, and servers of {} take one only",
                    self.desired.version.name()
                ),
                "take the previous one out of the Secret; before version 6.0 the password changes when all pods are deleted at once",
            );
        }
        None
    }

    /// The servers that can be told: those whose pods serve. One that does not reads the Secret when it starts.
    fn told(&self, view: View<'_>) -> Result<Vec<Server>, Unanswered> {
        let pods = view.pods(&self.desired.full_name)?;
        let serves = |server: &&Server| {
            let mut pods = pods.iter().filter(|pod| pod.ready && !pod.terminating);
            pods.any(|pod| pod.name == server.pod)
        };
        Ok(self.desired.servers().filter(serves).cloned().collect())
    }

    /// Whether anything is to be asked at all.
    fn is_wanted(&self) -> bool {
        let has_users = self.desired.version.has_users() && self.desired.watch().is_none();
        has_users && self.desired.shown != Shown::Nothing
    }
}

impl Operation for RotatePasswords {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "rotate_passwords"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn observe(&self, seen: &Observation) -> Vec<Query> {
        if !self.is_wanted() {
            return Vec::new();
        }
        let mut wanted = vec![ask_pods(&self.desired.full_name)];
        if let Ok(servers) = self.told(View::new(seen)) {
            wanted.extend(ask_passwords(&servers));
        }
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        if let Some(problem) = self.refusal() {
            return Planning::Refused(problem);
        }
        if !self.is_wanted() {
            return nothing("passwords are read at a start only");
        }
        let servers = match self.told(View::new(seen)) {
            Ok(servers) => servers,
            Err(unanswered) => return absent(&told(&[unanswered])),
        };
        match assess(&servers, self.desired.shown, seen) {
            Verdict::Done => {
                nothing("every server takes the passwords of the Secret, and no others")
            }
            Verdict::Wait { why, .. } => absent(&why),
            _ => Planning::Steps(vec![RedisStep::PasswordsRotated {
                servers,
                shown: self.desired.shown,
            }]),
        }
    }
}

/// Judges whether servers take the passwords of the Secret, and no others.
pub(crate) fn assess(servers: &[Server], shown: Shown, seen: &Observation) -> Verdict<Command> {
    let view = View::new(seen);
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for server in servers {
        match view.passwords(server) {
            Ok(passwords) => found.push((server, passwords)),
            Err(unanswered) => silent.push(unanswered),
        }
    }
    let keeps_previous = shown == Shown::WithPrevious;
    let takes = |one: &Passwords, password| one.taken.contains(&password);
    let lacks = |one: &Passwords| {
        !takes(one, Password::Current) || (keeps_previous && !takes(one, Password::Previous))
    };
    let is_left = |one: &Passwords| takes(one, Password::Other);
    let shows_another = |one: &Passwords| !one.shows;
    let telling = |differs: &dyn Fn(&Passwords) -> bool, request: &Request, why: &str| {
        let others = found.iter().filter(|(_, passwords)| differs(passwords));
        let commands: Vec<Command> = others
            .map(|(server, _)| Command::redis(&server.address, request.clone()))
            .collect();
        (!commands.is_empty()).then(|| Verdict::Act {
            why: format!("{} servers {why}", commands.len()),
            commands,
        })
    };
    let take = |only| Request::TakePasswords { only };
    if let Some(act) = telling(&lacks, &take(false), "do not take the password yet") {
        return act;
    }
    // What follows may turn somebody away who has not heard of it.
    if !silent.is_empty() {
        return waiting(told(&silent), None);
    }
    let show = telling(
        &shows_another,
        &Request::ShowPassword,
        "show another password",
    );
    let leave = || {
        telling(
            &is_left,
            &take(true),
            "take a password that is no longer wanted",
        )
    };
    show.or_else(leave).unwrap_or(Verdict::Done)
}
