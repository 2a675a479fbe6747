//! Reads an observation: the answers of one kind, with an absent answer told like a refused one.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes as kubernetes;
use midships_client_rocketmq as rocketmq;
use midships_client_rocketmq::{
    ClusterInfo, ConsumeStatistics, ConsumerConnections, ConsumerOffsets, Election, ProductVersion,
    Reply, Request, SubscriptionGroup, TimerMetrics, TopicConfiguration, TopicConfigurations,
    TopicRoute, TopicStatistics,
};
use midships_engine::step::{Seen, Unanswered};

use crate::desired::Broker;
use crate::vocabulary::{Answer, Query};

/// The broker's setting that holds its name server list.
pub const NAME_SERVER_SETTING: &str = "namesrvAddr";

/// The broker's setting that says whether it may be read (4) and written (2).
pub const PERMISSION_SETTING: &str = "brokerPermission";

/// The broker's setting that holds its id, also where controllers have granted it.
pub const ID_SETTING: &str = "brokerId";

/// The broker's setting that has sends wait, where masters are elected, for all replicas that are in sync.
pub const ALL_IN_SYNC_SETTING: &str = "allAckInSyncStateSet";

/// The permission of a broker that serves: read and written. The chart lets nobody choose another.
pub const OPEN: &str = "6";

/// The permission of a broker that is read but not written.
pub const READ_ONLY: &str = "4";

/// The broker's setting for the milliseconds between two looks at its name server list.
pub const RELOAD_PERIOD_SETTING: &str = "updateNameServerAddrPeriod";

/// A broker's settings as it runs, and its version.
#[derive(Clone, Copy, Debug)]
pub struct BrokerSettings<'a> {
    /// The version that answered.
    pub version: ProductVersion,
    /// All settings.
    pub properties: &'a BTreeMap<String, String>,
}

impl BrokerSettings<'_> {
    /// The name server list that the broker is set to use.
    #[must_use]
    pub fn name_servers(&self) -> &str {
        self.properties
            .get(NAME_SERVER_SETTING)
            .map_or("", String::as_str)
    }

    /// Its permission; a broker that does not tell has the default.
    #[must_use]
    pub fn permission(&self) -> &str {
        self.properties
            .get(PERMISSION_SETTING)
            .map_or(OPEN, String::as_str)
    }

    /// Its `brokerId`, which is 0 at a master; a broker that was not elected yet says -1.
    #[must_use]
    pub fn id(&self) -> Option<i64> {
        self.properties.get(ID_SETTING)?.parse().ok()
    }

    /// Makes sure that a broker which was the master when a plan was made is not known to be none any more.
    ///
    /// # Errors
    /// When it says that it is none.
    pub fn check_master(&self, broker: &Broker) -> Result<(), Unanswered> {
        match self.id() {
            None | Some(0) => Ok(()),
            Some(_) => Err(Unanswered {
                object: format!("broker {}", broker.pod),
                why: "it is not the master of its group any more; the plan goes on when it is elected again (mqadmin electMaster)"
                    .to_owned(),
            }),
        }
    }

    /// Whether it takes messages.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.permission() == OPEN
    }

    /// How many seconds may pass until the broker looks at its name server list again. The period
    /// is fixed to 120 s where the version has no setting for it.
    #[must_use]
    pub fn reload_seconds(&self) -> u64 {
        self.properties
            .get(RELOAD_PERIOD_SETTING)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(120_000)
            .div_ceil(1_000)
    }
}

/// An observation, read by kind.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    seen: &'a Seen<Query, Answer>,
}

impl<'a> View<'a> {
    /// Reads this observation.
    #[must_use]
    pub fn new(seen: &'a Seen<Query, Answer>) -> Self {
        Self { seen }
    }

    /// Those of the wanted queries that have not been asked yet.
    #[must_use]
    pub fn unasked(self, wanted: Vec<Query>) -> Vec<Query> {
        self.seen.unasked(wanted)
    }

    /// Whether a query has been asked in this observation.
    #[must_use]
    pub fn is_asked(self, query: &Query) -> bool {
        self.seen.answer(query).is_some()
    }

    fn answer(self, query: &Query) -> Result<&'a Answer, Unanswered> {
        match self.seen.answer(query) {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(unanswered)) => Err(unanswered.clone()),
            None => Err(Unanswered {
                object: query.object(),
                why: "was not asked".to_owned(),
            }),
        }
    }

    fn kubernetes(self, query: &Query) -> Result<&'a kubernetes::Answer, Unanswered> {
        match self.answer(query)? {
            Answer::Kubernetes(answer) => Ok(answer),
            Answer::Rocketmq(_) => Err(another_kind(query)),
        }
    }

    fn rocketmq(
        self,
        address: &str,
        request: Request,
    ) -> Result<(ProductVersion, &'a Reply), Unanswered> {
        let query = Query::rocketmq(address, request);
        match self.answer(&query)? {
            Answer::Rocketmq(answer) => Ok((answer.version, &answer.reply)),
            Answer::Kubernetes(_) => Err(another_kind(&query)),
        }
    }

    /// The reply of a server to a request, if it is of the kind that belongs to it.
    fn reply<T>(
        self,
        address: &str,
        request: Request,
        of_kind: impl FnOnce(&'a Reply) -> Option<T>,
    ) -> Result<T, Unanswered> {
        let (_, reply) = self.rocketmq(address, request.clone())?;
        of_kind(reply).ok_or_else(|| another_kind(&Query::rocketmq(address, request)))
    }

    /// The pods of a cluster.
    ///
    /// # Errors
    /// Without an answer.
    pub fn pods(self, cluster: &str) -> Result<&'a [kubernetes::Pod], Unanswered> {
        let query = ask_pods(cluster);
        match self.kubernetes(&query)? {
            kubernetes::Answer::Pods(pods) => Ok(pods),
            _ => Err(another_kind(&query)),
        }
    }

    /// The StatefulSets of a cluster.
    ///
    /// # Errors
    /// Without an answer.
    pub fn stateful_sets(self, cluster: &str) -> Result<&'a [kubernetes::StatefulSet], Unanswered> {
        let query = ask_stateful_sets(cluster);
        match self.kubernetes(&query)? {
            kubernetes::Answer::StatefulSets(sets) => Ok(sets),
            _ => Err(another_kind(&query)),
        }
    }

    /// The StatefulSets of a cluster and its pods.
    ///
    /// # Errors
    /// Without an answer about both.
    pub fn sets_and_pods(
        self,
        cluster: &str,
    ) -> Result<(&'a [kubernetes::StatefulSet], &'a [kubernetes::Pod]), Unanswered> {
        Ok((self.stateful_sets(cluster)?, self.pods(cluster)?))
    }

    /// The claims for volumes of a cluster.
    ///
    /// # Errors
    /// Without an answer.
    pub fn claims(self, cluster: &str) -> Result<&'a [kubernetes::Claim], Unanswered> {
        let query = ask_claims(cluster);
        match self.kubernetes(&query)? {
            kubernetes::Answer::Claims(claims) => Ok(claims),
            _ => Err(another_kind(&query)),
        }
    }

    /// A ConfigMap.
    ///
    /// # Errors
    /// Without an answer.
    pub fn config_map(self, name: &str) -> Result<Option<&'a kubernetes::ConfigMap>, Unanswered> {
        let query = ask_config_map(name);
        match self.kubernetes(&query)? {
            kubernetes::Answer::ConfigMap(map) => Ok(map.as_ref()),
            _ => Err(another_kind(&query)),
        }
    }

    /// The brokers that a name server knows.
    ///
    /// # Errors
    /// Without an answer.
    pub fn cluster_info(self, name_server: &str) -> Result<&'a ClusterInfo, Unanswered> {
        self.reply(name_server, Request::ClusterInfo, |reply| match reply {
            Reply::ClusterInfo(info) => Some(info),
            _ => None,
        })
    }

    /// The version of a name server.
    ///
    /// # Errors
    /// Without an answer.
    pub fn name_server_version(self, name_server: &str) -> Result<ProductVersion, Unanswered> {
        Ok(self.rocketmq(name_server, Request::ClusterInfo)?.0)
    }

    /// The topics that a name server knows.
    ///
    /// # Errors
    /// Without an answer.
    pub fn topics(self, name_server: &str) -> Result<&'a BTreeSet<String>, Unanswered> {
        self.reply(name_server, Request::TopicList, |reply| match reply {
            Reply::Topics(topics) => Some(topics),
            _ => None,
        })
    }

    /// Where a name server says that a topic has queues; none where it does not know the topic.
    ///
    /// # Errors
    /// Without an answer.
    pub fn topic_route(
        self,
        name_server: &str,
        topic: &str,
    ) -> Result<Option<&'a TopicRoute>, Unanswered> {
        let request = Request::TopicRoute {
            topic: topic.to_owned(),
        };
        match self.rocketmq(name_server, request.clone())?.1 {
            Reply::Route(route) => Ok(route.as_ref()),
            _ => Err(another_kind(&Query::rocketmq(name_server, request))),
        }
    }

    /// The key-value configuration that a name server holds in a namespace.
    ///
    /// # Errors
    /// Without an answer.
    pub fn key_values(
        self,
        name_server: &str,
        namespace: &str,
    ) -> Result<&'a BTreeMap<String, String>, Unanswered> {
        let request = Request::KeyValues {
            namespace: namespace.to_owned(),
        };
        self.reply(name_server, request, |reply| match reply {
            Reply::KeyValues(pairs) => Some(pairs),
            _ => None,
        })
    }

    /// A broker's settings.
    ///
    /// # Errors
    /// Without an answer.
    pub fn settings(self, broker: &str) -> Result<BrokerSettings<'a>, Unanswered> {
        match self.rocketmq(broker, Request::BrokerConfiguration)? {
            (version, Reply::Configuration(properties)) => Ok(BrokerSettings {
                version,
                properties,
            }),
            _ => Err(another_kind(&Query::rocketmq(
                broker,
                Request::BrokerConfiguration,
            ))),
        }
    }

    /// The ids of these brokers, by address, as they tell them; of those that do not answer, or have none yet, there is none.
    #[must_use]
    pub fn ids<'b>(self, brokers: impl Iterator<Item = &'b Broker>) -> BTreeMap<String, i64> {
        let known = brokers.filter_map(|broker| {
            let id = self.settings(&broker.address).ok()?.id()?;
            (id >= 0).then(|| (broker.address.clone(), id))
        });
        known.collect()
    }

    /// The address of the leading controller, and what it knows of a group; nothing where it does not know the group.
    ///
    /// # Errors
    /// While none leads.
    pub fn leader<'b>(
        self,
        controllers: &'b [String],
        group: &str,
    ) -> Result<(&'b str, Option<&'a Election>), Unanswered> {
        let mut silent = String::new();
        for controller in controllers {
            match self.answer(&ask_election(controller, group)) {
                Ok(Answer::Rocketmq(rocketmq::Answer {
                    reply: Reply::Elections(Some(elections)),
                    ..
                })) => return Ok((controller, elections.get(group))),
                Ok(_) => {}
                Err(unanswered) => {
                    silent = format!("{silent}; {}: {}", unanswered.object, unanswered.why);
                }
            }
        }
        Err(Unanswered {
            object: "controllers".to_owned(),
            why: format!("none of them leads{silent}"),
        })
    }

    /// What the leading controller knows of a group, and its address.
    ///
    /// # Errors
    /// While none leads, or the one that leads does not know the group.
    pub fn election<'b>(
        self,
        controllers: &'b [String],
        group: &str,
    ) -> Result<(&'b str, &'a Election), Unanswered> {
        let (leader, election) = self.leader(controllers, group)?;
        let election = election.ok_or_else(|| Unanswered {
            object: format!("controller {leader}"),
            why: format!("it does not know group {group}"),
        })?;
        Ok((leader, election))
    }

    /// How many messages a broker has stored today.
    ///
    /// # Errors
    /// Without an answer, or without that figure in it.
    pub fn messages_stored_today(self, broker: &str) -> Result<i64, Unanswered> {
        self.runtime_number(broker, "msgPutTotalTodayNow")
    }

    fn runtime_number(self, broker: &str, key: &str) -> Result<i64, Unanswered> {
        self.runtime(broker)?
            .get(key)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Unanswered {
                object: broker.to_owned(),
                why: format!("its runtime information lacks `{key}`"),
            })
    }

    /// Where the commit log of a broker ends, in bytes from its beginning.
    ///
    /// # Errors
    /// Without an answer, or without that figure in it.
    pub fn log_end(self, broker: &str) -> Result<i64, Unanswered> {
        self.runtime_number(broker, "commitLogMaxOffset")
    }

    /// Whether a broker calls itself the version that its answers say.
    ///
    /// # Errors
    /// Without an answer.
    pub fn is_named(self, broker: &str) -> Result<bool, Unanswered> {
        match self.rocketmq(broker, Request::RuntimeInformation)? {
            (version, Reply::Runtime(table)) => Ok(table
                .get("brokerVersionDesc")
                .is_some_and(|description| version.is_named(description))),
            _ => Err(another_kind(&Query::rocketmq(
                broker,
                Request::RuntimeInformation,
            ))),
        }
    }

    /// The topics of a broker.
    ///
    /// # Errors
    /// Without an answer.
    pub fn topic_configurations(
        self,
        broker: &str,
    ) -> Result<&'a BTreeMap<String, TopicConfiguration>, Unanswered> {
        Ok(&self.topic_table(broker)?.topics)
    }

    /// All that a broker tells of its topics.
    ///
    /// # Errors
    /// Without an answer.
    pub fn topic_table(self, broker: &str) -> Result<&'a TopicConfigurations, Unanswered> {
        self.reply(broker, Request::TopicConfigurations, |reply| match reply {
            Reply::TopicConfigurations(table) => Some(table),
            _ => None,
        })
    }

    /// The subscription groups of a broker.
    ///
    /// # Errors
    /// Without an answer.
    pub fn subscription_groups(
        self,
        broker: &str,
    ) -> Result<&'a BTreeMap<String, SubscriptionGroup>, Unanswered> {
        self.reply(broker, Request::SubscriptionGroups, |reply| match reply {
            Reply::SubscriptionGroups(table) => Some(&table.groups),
            _ => None,
        })
    }

    /// The offsets of all groups at a broker.
    ///
    /// # Errors
    /// Without an answer.
    pub fn consumer_offsets(self, broker: &str) -> Result<&'a ConsumerOffsets, Unanswered> {
        self.reply(broker, Request::ConsumerOffsets, |reply| match reply {
            Reply::ConsumerOffsets(offsets) => Some(offsets),
            _ => None,
        })
    }

    /// The places of a topic's queues at a broker.
    ///
    /// # Errors
    /// Without an answer.
    pub fn topic_statistics(
        self,
        broker: &str,
        topic: &str,
    ) -> Result<&'a TopicStatistics, Unanswered> {
        let request = Request::TopicStatistics {
            topic: topic.to_owned(),
        };
        self.reply(broker, request, |reply| match reply {
            Reply::TopicStatistics(statistics) => Some(statistics),
            _ => None,
        })
    }

    /// The groups that have subscribed to a topic or have an offset of it at a broker.
    ///
    /// # Errors
    /// Without an answer.
    pub fn topic_groups(
        self,
        broker: &str,
        topic: &str,
    ) -> Result<&'a BTreeSet<String>, Unanswered> {
        let request = Request::TopicGroups {
            topic: topic.to_owned(),
        };
        self.reply(broker, request, |reply| match reply {
            Reply::Groups(groups) => Some(groups),
            _ => None,
        })
    }

    /// How far a group has consumed at a broker.
    ///
    /// # Errors
    /// Without an answer.
    pub fn consume_statistics(
        self,
        broker: &str,
        request: Request,
    ) -> Result<&'a ConsumeStatistics, Unanswered> {
        self.reply(broker, request, |reply| match reply {
            Reply::ConsumeStatistics(statistics) => Some(statistics),
            _ => None,
        })
    }

    /// The members of a group that are connected to a broker; none when nobody is.
    ///
    /// # Errors
    /// Without an answer.
    pub fn consumer_connections(
        self,
        broker: &str,
        group: &str,
    ) -> Result<Option<&'a ConsumerConnections>, Unanswered> {
        let request = Request::ConsumerConnections {
            group: group.to_owned(),
        };
        self.reply(broker, request, |reply| match reply {
            Reply::ConsumerConnections(connections) => Some(connections.as_ref()),
            _ => None,
        })
    }

    /// Timed messages that a broker has not delivered yet.
    ///
    /// # Errors
    /// Without an answer.
    pub fn timer_metrics(self, broker: &str) -> Result<&'a TimerMetrics, Unanswered> {
        self.reply(broker, Request::TimerMetrics, |reply| match reply {
            Reply::TimerMetrics(metrics) => Some(metrics),
            _ => None,
        })
    }

    /// The runtime information of a broker.
    ///
    /// # Errors
    /// Without an answer.
    pub fn runtime(self, broker: &str) -> Result<&'a BTreeMap<String, String>, Unanswered> {
        self.reply(broker, Request::RuntimeInformation, |reply| match reply {
            Reply::Runtime(table) => Some(table),
            _ => None,
        })
    }

    /// A pod as a person should be told of it: name, node and what is wrong with it.
    #[must_use]
    pub fn describe_pod(self, cluster: &str, name: &str) -> String {
        let Ok(pods) = self.pods(cluster) else {
            return format!("pod {name}");
        };
        match pods.iter().find(|pod| pod.name == name) {
            None => format!("pod {name} (does not exist)"),
            Some(pod) => pod.described(),
        }
    }
}

fn another_kind(query: &Query) -> Unanswered {
    Unanswered {
        object: query.object(),
        why: "answered another kind of question".to_owned(),
    }
}

/// The query for the pods of a cluster.
#[must_use]
pub fn ask_pods(cluster: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::Pods {
        cluster: cluster.to_owned(),
    })
}

/// The query for the StatefulSets of a cluster.
#[must_use]
pub fn ask_stateful_sets(cluster: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::StatefulSets {
        cluster: cluster.to_owned(),
    })
}

/// The query for the claims for volumes of a cluster.
#[must_use]
pub fn ask_claims(cluster: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::Claims {
        cluster: cluster.to_owned(),
    })
}

/// The queries for what each controller knows of a group: only the one that leads tells.
pub fn ask_elections(controllers: &[String], group: &str) -> impl Iterator<Item = Query> {
    controllers
        .iter()
        .map(move |controller| ask_election(controller, group))
}

fn ask_election(controller: &str, group: &str) -> Query {
    let groups = BTreeSet::from([group.to_owned()]);
    Query::rocketmq(controller, Request::Elections { groups })
}

/// The query for a broker's settings.
#[must_use]
pub fn settings_query(broker: &Broker) -> Query {
    Query::rocketmq(&broker.address, Request::BrokerConfiguration)
}

/// The query for a ConfigMap.
#[must_use]
pub fn ask_config_map(name: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::ConfigMap {
        name: name.to_owned(),
    })
}

/// The queries that the view needs about a name server's brokers and topics.
#[must_use]
pub fn ask_name_server(address: &str) -> [Query; 2] {
    [
        Query::rocketmq(address, rocketmq::Request::ClusterInfo),
        Query::rocketmq(address, rocketmq::Request::TopicList),
    ]
}

/// A list of name servers as the set that it means.
#[must_use]
pub fn list_of(list: &str) -> BTreeSet<&str> {
    list.split(';')
        .map(str::trim)
        .filter(|server| !server.is_empty())
        .collect()
}
