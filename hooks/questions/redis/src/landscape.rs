//! The servers that there are, found from any of them: each tells of others, which are asked in turn.

use std::collections::{BTreeMap, BTreeSet};

use midships_answers::Problem;
use midships_client_redis::connection::Answer;
use midships_client_redis::{Health, Information, Nodes, Role, Slots};

use crate::Scope;
use crate::ask::{Asking, Question, Servers};
use crate::query::Query;
use crate::reading::{names, read, text};

/// How far from the servers that were given others are looked for: a replica of a replica of a replica is unheard of.
const ROUNDS: usize = 8;
/// How many servers are asked at most.
const MOST_SERVERS: usize = 2_000;

/// A server that answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// Where it is reached from here.
    pub(crate) reached: String,
    /// Other addresses under which it has answered.
    pub(crate) aliases: Vec<String>,
    /// The addresses by which others know it.
    pub(crate) addresses: BTreeSet<String>,
    /// What it tells of itself.
    pub(crate) information: Information,
    /// In a cluster: whom it knows.
    pub(crate) view: Option<Nodes>,
    /// In a cluster: how it sees it as a whole.
    pub(crate) cluster: Option<Information>,
    /// Of a Sentinel: what it watches, by the name of the set.
    pub(crate) watched: Option<BTreeMap<String, Watched>>,
}

/// What a Sentinel says of a set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// The master.
    pub(crate) master: BTreeMap<String, String>,
    /// The replicas.
    pub(crate) replicas: Vec<BTreeMap<String, String>>,
    /// The other Sentinels.
    pub(crate) sentinels: Vec<BTreeMap<String, String>>,
    /// Why Sentinels cannot replace the master, if they cannot.
    pub(crate) without_quorum: Option<String>,
}

impl Found {
    /// What kind of server it is: since Valkey 9 under another name.
    pub(crate) fn mode(&self) -> Option<&str> {
        let old = self.information.text("redis_mode");
        old.or_else(|| self.information.text("server_mode"))
    }

    pub(crate) fn is_sentinel(&self) -> bool {
        self.mode() == Some("sentinel")
    }

    pub(crate) fn is_master(&self) -> bool {
        self.information.text("role") == Some("master")
    }

    /// The address under which it is told of: one by which others know it, else where it is reached.
    pub(crate) fn address(&self) -> &str {
        let others = self.addresses.first();
        others.unwrap_or(&self.reached)
    }

    /// Of a replica outside of a cluster: its master's address, as it knows it.
    pub(crate) fn master(&self) -> Option<String> {
        let host = self.information.text("master_host")?;
        let port: u16 = self.information.value("master_port")?;
        Some(address(host, port))
    }

    /// Of a master: its replicas, by their addresses, and how many seconds ago it has heard of each.
    pub(crate) fn replicas(&self) -> impl Iterator<Item = (String, Option<u64>)> {
        let of_replicas = self.information.all().filter(|(name, _)| {
            let number = name.strip_prefix("slave");
            number.is_some_and(|number| number.parse::<u32>().is_ok())
        });
        of_replicas.filter_map(|(_, value)| {
            let fields = fields(value);
            let replica = address(fields.get("ip")?, fields.get("port")?.parse().ok()?);
            let heard = fields.get("lag").and_then(|lag| lag.parse().ok());
            Some((replica, heard))
        })
    }

    /// The addresses of others that it tells of.
    fn others(&self) -> Vec<String> {
        let mut others: Vec<String> = self.master().into_iter().collect();
        others.extend(self.replicas().map(|(address, _)| address));
        if let Some(view) = &self.view {
            let there = view.others.values().filter(|node| !node.host.is_empty());
            others = there.map(|node| address(&node.host, node.port)).collect();
        }
        for watched in self.watched.iter().flat_map(BTreeMap::values) {
            let all = std::iter::once(&watched.master)
                .chain(&watched.replicas)
                .chain(&watched.sentinels);
            others.extend(all.filter_map(address_in));
        }
        others
    }

    /// How it is told apart from all others, whatever the address.
    fn identity(&self) -> Option<&str> {
        let id = self.view.as_ref().map(|view| view.myself.id.as_str());
        id.or_else(|| self.information.text("run_id"))
    }
}

/// An address as it is written everywhere.
pub(crate) fn address(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The address in what a Sentinel says of a server.
pub(crate) fn address_in(fields: &BTreeMap<String, String>) -> Option<String> {
    Some(address(
        fields.get("ip")?,
        fields.get("port")?.parse().ok()?,
    ))
}

/// Names with their values, as `a=1,b=2`.
pub(crate) fn fields(text: &str) -> BTreeMap<&str, &str> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.collect()
}

/// What kind of servers there are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The nodes of a cluster, which share the keys.
    Cluster,
    /// Masters with replicas, which Sentinels watch.
    Sentinel,
    /// A master, with or without replicas.
    Standalone,
}

/// Where keys are looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// Where it is reached from here.
    pub(crate) reached: String,
    /// Under which address it is told of.
    pub(crate) address: String,
    /// The slots whose keys it has; none outside of a cluster, where it has all keys.
    pub(crate) slots: Option<Slots>,
}

impl Place {
    /// Asks about keys that it has told, also about those that are on their way to it.
    pub(crate) async fn ask<S: Servers>(
        &self,
        asking: &Asking<'_, S>,
        queries: &[Query],
    ) -> Result<Vec<Answer>, Problem> {
        if self.slots.is_some() {
            asking.on_their_way(&self.reached, queries).await
        } else {
            asking.one(&self.reached, queries).await
        }
    }
}

/// All servers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Landscape {
    /// Those that answered.
    pub(crate) found: Vec<Found>,
    /// Those that did not, by the address, with the reason.
    pub(crate) silent: BTreeMap<String, Problem>,
    /// What was refused or could not be read.
    pub(crate) problems: BTreeSet<Problem>,
}

impl Landscape {
    /// Asks the given servers for the others, and these too.
    pub(crate) async fn ask<S: Servers>(asking: &Asking<'_, S>, scope: &Scope) -> Self {
        let mut landscape = Self::default();
        let mut asked = BTreeSet::new();
        let mut due = scope.servers.clone();
        for _ in 0..ROUNDS {
            due.retain(|address| asked.insert(address.clone()));
            let room = MOST_SERVERS.saturating_sub(landscape.found.len());
            due.truncate(room);
            if due.is_empty() {
                break;
            }
            let mut new = landscape.first_look(asking, &due).await;
            landscape.clusters(asking, &mut new).await;
            landscape.sentinels(asking, &mut new).await;
            landscape.add(new);
            due = landscape.told_of();
        }
        landscape
    }

    /// Asks servers what they are.
    async fn first_look<S: Servers>(
        &mut self,
        asking: &Asking<'_, S>,
        due: &[String],
    ) -> Vec<Found> {
        let questions: Vec<Question> = due
            .iter()
            .map(|address| (address.clone(), vec![Query::Information]))
            .collect();
        let mut new = Vec::new();
        for (reached, answers) in due.iter().zip(asking.all(&questions).await) {
            let answer = answers.and_then(|mut answers| {
                let expected = "what a server tells of itself";
                read(reached, answers.pop(), expected, text)
            });
            match answer {
                Ok(text) => new.push(Found {
                    reached: reached.clone(),
                    information: Information::of(&text),
                    ..Found::default()
                }),
                Err(problem) => {
                    self.silent.insert(reached.clone(), problem);
                }
            }
        }
        new
    }

    /// Asks nodes of clusters whom they know.
    async fn clusters<S: Servers>(&mut self, asking: &Asking<'_, S>, new: &mut [Found]) {
        let mut nodes: Vec<&mut Found> = new
            .iter_mut()
            .filter(|found| found.mode() == Some("cluster"))
            .collect();
        let of = |found: &&mut Found| {
            let queries = vec![Query::Nodes, Query::Cluster];
            (found.reached.clone(), queries)
        };
        let questions: Vec<Question> = nodes.iter().map(of).collect();
        for (found, answers) in nodes.iter_mut().zip(asking.all(&questions).await) {
            let reached = found.reached.clone();
            let heard = answers.and_then(|answers| {
                let mut answers = answers.into_iter();
                let view = read(
                    &reached,
                    answers.next(),
                    "the nodes of a cluster",
                    |value| text(value)?.parse().ok(),
                )?;
                let cluster = read(&reached, answers.next(), "the state of a cluster", text)?;
                Ok((view, Information::of(&cluster)))
            });
            match heard {
                Ok((view, cluster)) => {
                    found.view = Some(view);
                    found.cluster = Some(cluster);
                }
                Err(problem) => {
                    self.problems.insert(problem);
                }
            }
        }
    }

    /// Asks Sentinels what they watch.
    async fn sentinels<S: Servers>(&mut self, asking: &Asking<'_, S>, new: &mut [Found]) {
        let mut sentinels: Vec<&mut Found> =
            new.iter_mut().filter(|found| found.is_sentinel()).collect();
        let of = |found: &&mut Found| (found.reached.clone(), vec![Query::Masters]);
        let questions: Vec<Question> = sentinels.iter().map(of).collect();
        let mut sets = Vec::new();
        for (found, answers) in sentinels.iter_mut().zip(asking.all(&questions).await) {
            let masters = answers.and_then(|mut answers| {
                let expected = "the masters that a Sentinel watches";
                read(&found.reached, answers.pop(), expected, list_of_names)
            });
            match masters {
                Ok(masters) => sets.push(masters),
                Err(problem) => {
                    sets.push(Vec::new());
                    self.problems.insert(problem);
                }
            }
        }
        let of_sets = |(found, masters): (&&mut Found, &Vec<BTreeMap<String, String>>)| {
            let names = masters.iter().filter_map(|master| master.get("name"));
            let each = names.flat_map(|name| {
                [Query::Replicas, Query::Sentinels, Query::Quorum].map(|query| query(name.clone()))
            });
            (found.reached.clone(), each.collect())
        };
        let questions: Vec<Question> = sentinels.iter().zip(&sets).map(of_sets).collect();
        let answers = asking.all(&questions).await;
        for ((found, masters), answers) in sentinels.iter_mut().zip(sets).zip(answers) {
            let watched = answers.and_then(|answers| watched(&found.reached, masters, answers));
            match watched {
                Ok(watched) => found.watched = Some(watched),
                Err(problem) => {
                    self.problems.insert(problem);
                }
            }
        }
    }

    /// Adds servers, each of them once, whatever the addresses under which it was asked.
    fn add(&mut self, new: Vec<Found>) {
        for found in new {
            let is_same = |known: &&mut Found| {
                known.identity().is_some() && known.identity() == found.identity()
            };
            match self.found.iter_mut().find(is_same) {
                Some(known) => known.aliases.push(found.reached),
                None => self.found.push(found),
            }
        }
        self.name();
    }

    /// Gives servers the addresses by which others know them.
    fn name(&mut self) {
        let told: BTreeSet<String> = self.found.iter().flat_map(Found::others).collect();
        for found in &mut self.found {
            let own = std::iter::once(&found.reached).chain(&found.aliases);
            found.addresses = own
                .filter(|address| told.contains(*address))
                .cloned()
                .collect();
            if let Some(view) = &found.view
                && !view.myself.host.is_empty()
            {
                found.addresses = BTreeSet::from([address(&view.myself.host, view.myself.port)]);
            }
        }
    }

    /// The addresses that the servers tell of, without those of nodes of clusters that have answered under another one.
    fn told_of(&self) -> Vec<String> {
        let own: BTreeSet<&String> = self
            .found
            .iter()
            .flat_map(|found| &found.addresses)
            .collect();
        let others: BTreeSet<String> = self.found.iter().flat_map(Found::others).collect();
        let new = others.into_iter().filter(|address| !own.contains(address));
        new.collect()
    }

    /// The servers with keys that answered: all but Sentinels.
    pub(crate) fn with_keys(&self) -> impl Iterator<Item = &Found> {
        self.found.iter().filter(|found| !found.is_sentinel())
    }

    /// Whom the nodes of a cluster know.
    pub(crate) fn views(&self) -> impl Iterator<Item = &Nodes> {
        self.found.iter().filter_map(|found| found.view.as_ref())
    }

    /// What Sentinels watch.
    pub(crate) fn watching(&self) -> impl Iterator<Item = &BTreeMap<String, Watched>> {
        self.found.iter().filter_map(|found| found.watched.as_ref())
    }

    /// The node of a cluster with an id.
    pub(crate) fn of_id(&self, id: &str) -> Option<&Found> {
        self.found.iter().find(|found| {
            let view = found.view.as_ref();
            view.is_some_and(|view| view.myself.id.as_str() == id)
        })
    }

    /// What kind of servers these are; none where nobody answered.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let has = |mode| self.found.iter().any(|found| found.mode() == Some(mode));
        if has("cluster") {
            Some(Kind::Cluster)
        } else if has("sentinel") {
            Some(Kind::Sentinel)
        } else if self.found.is_empty() {
            None
        } else {
            Some(Kind::Standalone)
        }
    }

    /// The server that is known under an address.
    pub(crate) fn at(&self, address: &str) -> Option<&Found> {
        let is_at = |found: &&Found| {
            found.reached == address
                || found.addresses.contains(address)
                || found.aliases.iter().any(|alias| alias == address)
        };
        self.found.iter().find(is_at)
    }

    /// What most nodes of a cluster say of it; of two opinions with as many nodes, that of the later epoch.
    pub(crate) fn reference(&self) -> Option<&Nodes> {
        let views: Vec<&Nodes> = self.views().collect();
        let weight = |view: &&&Nodes| {
            let same = views.iter().filter(|other| other.owners() == view.owners());
            let epoch = view.all().map(|node| node.epoch).max();
            (
                same.count(),
                epoch,
                std::cmp::Reverse(view.myself.id.clone()),
            )
        };
        views.iter().max_by_key(weight).copied()
    }

    /// Where the keys are: the masters. What keys cannot be looked at is told.
    pub(crate) fn places(&self, scope: &Scope) -> (Vec<Place>, Vec<Problem>) {
        match self.reference() {
            Some(reference) => self.places_of_cluster(reference),
            None => self.places_of_masters(scope),
        }
    }

    fn places_of_cluster(&self, reference: &Nodes) -> (Vec<Place>, Vec<Problem>) {
        let mut places = Vec::new();
        let mut problems = Vec::new();
        let masters = reference
            .all()
            .filter(|node| node.role == Role::Master && !node.slots.is_empty());
        for node in masters {
            let found = self.of_id(node.id.as_str());
            let told = address(&node.host, node.port);
            match found {
                Some(found) => places.push(Place {
                    reached: found.reached.clone(),
                    address: found.address().to_owned(),
                    slots: Some(node.slots.clone()),
                }),
                None => problems.push(match self.silent.get(&told) {
                    Some(problem) => problem.clone(),
                    None => Problem::new(
                        told,
                        "has slots and was not asked: its address is not known",
                    ),
                }),
            }
            if node.health == Health::Failed {
                problems.push(Problem::new(
                    address(&node.host, node.port),
                    "has failed, so that its keys are not served",
                ));
            }
        }
        let covered: Slots = places
            .iter()
            .filter_map(|place| place.slots.as_ref())
            .collect();
        let lacking = Slots::all().without(&covered);
        if !lacking.is_empty() {
            problems.push(Problem::new(
                "the cluster",
                format!(
                    "has slots whose keys cannot be looked at: {}",
                    ranges(&lacking)
                ),
            ));
        }
        places.sort_by_key(|place| place.slots.as_ref().and_then(|slots| slots.iter().next()));
        (places, problems)
    }

    fn places_of_masters(&self, scope: &Scope) -> (Vec<Place>, Vec<Problem>) {
        let of_sets: BTreeMap<&String, BTreeSet<String>> = self.watched_masters();
        if self.kind() == Some(Kind::Sentinel) {
            let chosen = match (&scope.set, of_sets.len()) {
                (Some(set), _) => of_sets.get(set),
                (None, 1) => of_sets.values().next(),
                (None, _) => None,
            };
            let Some(chosen) = chosen else {
                return (Vec::new(), vec![not_chosen(scope, &of_sets)]);
            };
            return self.places_at(chosen);
        }
        let masters = self.found.iter().filter(|found| found.is_master());
        let masters: BTreeSet<String> = masters.map(|found| found.address().to_owned()).collect();
        if masters.is_empty() {
            let mut problems: Vec<Problem> = self.silent.values().cloned().collect();
            problems.push(Problem::new("the servers", "have no master that answers"));
            return (Vec::new(), problems);
        }
        let (places, mut problems) = self.places_at(&masters);
        if places.len() > 1 {
            let why = format!(
                "are masters that know nothing of each other: {}; give only one of them",
                masters.into_iter().collect::<Vec<_>>().join(", ")
            );
            problems.push(Problem::new("the servers", why));
        }
        (places, problems)
    }

    /// The masters of each set, as Sentinels say.
    fn watched_masters(&self) -> BTreeMap<&String, BTreeSet<String>> {
        let mut masters: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
        for watched in self.watching() {
            for (set, watched) in watched {
                let of_set = masters.entry(set).or_default();
                of_set.extend(address_in(&watched.master));
            }
        }
        masters
    }

    fn places_at(&self, addresses: &BTreeSet<String>) -> (Vec<Place>, Vec<Problem>) {
        let mut places = Vec::new();
        let mut problems = Vec::new();
        for address in addresses {
            match self.at(address) {
                Some(found) if found.is_master() => places.push(Place {
                    reached: found.reached.clone(),
                    address: found.address().to_owned(),
                    slots: None,
                }),
                Some(_) => problems.push(Problem::new(
                    address,
                    "is no master, as Sentinels say; ask again in some seconds",
                )),
                None => problems.extend(self.silent.get(address).cloned()),
            }
        }
        (places, problems)
    }
}

fn not_chosen(scope: &Scope, of_sets: &BTreeMap<&String, BTreeSet<String>>) -> Problem {
    let known: Vec<&str> = of_sets.keys().map(|set| set.as_str()).collect();
    let known = known.join(", ");
    match &scope.set {
        Some(set) => Problem::new(set, format!("is no set here; there are: {known}")),
        None if of_sets.is_empty() => Problem::new("the Sentinels", "watch nothing"),
        None => Problem::new(
            "the Sentinels",
            format!("watch several sets, of which one has to be chosen: {known}"),
        ),
    }
}

/// Slots as ranges, of which only the first are written out.
pub(crate) fn ranges(slots: &Slots) -> String {
    const SHOWN: usize = 4;
    let text = slots.to_string();
    let all: Vec<&str> = text.split(',').collect();
    let shown = all
        .iter()
        .take(SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(",");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more ranges"),
    }
}

/// Reads a list of names with their values.
fn list_of_names(value: &redis::Value) -> Option<Vec<BTreeMap<String, String>>> {
    crate::reading::list(value)?.iter().map(names).collect()
}

/// Reads what a Sentinel says of its sets: three answers for each.
fn watched(
    address: &str,
    masters: Vec<BTreeMap<String, String>>,
    answers: Vec<Answer>,
) -> Result<BTreeMap<String, Watched>, Problem> {
    let mut answers = answers.into_iter();
    let mut sets = BTreeMap::new();
    for master in masters {
        let Some(name) = master.get("name").cloned() else {
            continue;
        };
        let replicas = read(address, answers.next(), "replicas", list_of_names)?;
        let sentinels = read(address, answers.next(), "Sentinels", list_of_names)?;
        let without_quorum = match answers.next() {
            Some(Err(refusal)) => Some(refusal.to_string()),
            _ => None,
        };
        sets.insert(
            name,
            Watched {
                master,
                replicas,
                sentinels,
                without_quorum,
            },
        );
    }
    Ok(sets)
}
