//! Reads `desired.json`, which the hook's `ConfigMap` carries: what a release of a chart shall be, whatever the event is called.

use std::path::Path;

use midships_engine::step::Problem;
use midships_model::desired::{Desired, FORMAT};
use midships_model::model::{ChartValues, Model};
use midships_model::rules::{Release, Subject, check};
use midships_model::{redis, redis_cluster, redis_sentinel, rocketmq, rocketmq_topic_transfer};
use serde::de::DeserializeOwned;
use serde_json::Value;
use snafu::{ResultExt, Snafu, ensure};

/// Why a desired state cannot be used.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The file cannot be read.
    #[snafu(display(
        "{path}: unable to read it: {source}; name the file desired.json with --desired"
    ))]
    Unread {
        /// The file.
        path: String,
        /// What was wrong.
        source: std::io::Error,
    },
    /// The file is no JSON object.
    #[snafu(display("{path}: not JSON: {source}"))]
    NotJson {
        /// The file.
        path: String,
        /// What was wrong.
        source: serde_json::Error,
    },
    /// It was written in a format that this program does not know.
    #[snafu(display(
        "{path}: format is {found}, this version of midships-hook reads {FORMAT} only"
    ))]
    UnknownFormat {
        /// The file.
        path: String,
        /// What stands there.
        found: String,
    },
    /// It is about a chart that this program does not know.
    #[snafu(display(
        "{path}: chart is {found}; allowed here: `{}`", known.join("`, `")
    ))]
    UnknownChart {
        /// The file.
        path: String,
        /// What stands there.
        found: String,
        /// The charts that may stand there.
        known: Vec<&'static str>,
    },
    /// Its fields are not those of the model.
    #[snafu(display("{path}: not the values of this version of the chart: {source}"))]
    Unfit {
        /// The file.
        path: String,
        /// What was wrong.
        source: serde_json::Error,
    },
    /// The model of this program is at fault.
    #[snafu(display("{path}: {source}; this is a bug"))]
    Describe {
        /// The file.
        path: String,
        /// Why.
        source: midships_model::description::DescriptionError,
    },
    /// Its values break rules between fields.
    #[snafu(display("{path}: {findings}"))]
    Broken {
        /// The file.
        path: String,
        /// The findings, joined.
        findings: String,
    },
}

impl Error {
    /// The refusal that it is, or nothing where the command line is to blame.
    pub fn problem(&self) -> Option<Problem> {
        let remedy = match self {
            Self::Unread { .. } => return None,
            Self::NotJson { .. } | Self::UnknownChart { .. } => {
                "use the file that the chart renders"
            }
            Self::UnknownFormat { .. } | Self::Unfit { .. } | Self::Describe { .. } => {
                "use chart and hook image of the same version of midships (`hook.image`)"
            }
            Self::Broken { .. } => "change the values as told and run helm again",
        };
        Some(Problem {
            object: "desired state".to_owned(),
            why: self.to_string(),
            remedy: remedy.to_owned(),
        })
    }
}

/// What is desired of a release of a chart of `RocketMQ`.
#[derive(Debug)]
pub enum Wanted {
    /// A cluster of `RocketMQ`.
    Rocketmq {
        /// The desired state.
        file: Box<rocketmq::Desired>,
        /// The number of the revision, where the file `revision` beside it tells.
        revision: Option<u64>,
    },
    /// A topic of `RocketMQ` that goes from some brokers to others.
    TopicTransfer(Box<rocketmq_topic_transfer::Desired>),
}

/// What is desired of a release of any family.
#[derive(Debug)]
pub enum OfAnyFamily {
    /// Of a chart of `RocketMQ`.
    Rocketmq(Wanted),
    /// Of a chart of Redis or Valkey.
    Redis(Box<midships_operations_redis::Desired>),
}

impl Wanted {
    /// Whether servers are talked to by TLS.
    pub fn speaks_tls(&self) -> bool {
        let secret = match self {
            Self::Rocketmq { file, .. } => &file.values.tls.secret_name,
            Self::TopicTransfer(file) => &file.values.tls.secret_name,
        };
        !secret.is_empty()
    }

    /// Whether servers are talked to by TLS only.
    pub fn requires_tls(&self) -> bool {
        match self {
            Self::Rocketmq { file, .. } => file.values.tls.enforced,
            // Where the Secret is named, all the servers have certificates of its authorities.
            Self::TopicTransfer(_) => self.speaks_tls(),
        }
    }

    /// The namespace of the release, and the name from which the names of its objects are made.
    pub fn place(&self) -> (&str, &str) {
        match self {
            Self::Rocketmq { file, .. } => (&file.namespace, &file.full_name),
            Self::TopicTransfer(file) => (&file.namespace, &file.full_name),
        }
    }
}

/// Reads what is desired of a release of any chart with operations.
///
/// # Errors
/// When the file cannot be read, is of another format or breaks the model's rules.
pub fn read_any(path: &Path) -> Result<OfAnyFamily, Error> {
    let (name, text) = text_of(path)?;
    let revision = std::fs::read_to_string(path.with_file_name("revision")).ok();
    let revision = revision.and_then(|text| text.trim().parse().ok());
    parse_any(&name, &text, revision)
}

fn parse_any(path: &str, text: &[u8], revision: Option<u64>) -> Result<OfAnyFamily, Error> {
    let (chart, document) = parse(path, text)?;
    match chart.as_deref() {
        Some(rocketmq::CHART) => Ok(OfAnyFamily::Rocketmq(Wanted::Rocketmq {
            file: Box::new(typed(path, document)?),
            revision,
        })),
        Some(rocketmq_topic_transfer::CHART) => Ok(OfAnyFamily::Rocketmq(Wanted::TopicTransfer(
            Box::new(typed(path, document)?),
        ))),
        Some(redis::CHART) => {
            let file = typed(path, document)?;
            Ok(of_redis(midships_operations_redis::Desired::of_single(
                &file, revision,
            )))
        }
        Some(redis_cluster::CHART) => {
            let file = typed(path, document)?;
            Ok(of_redis(midships_operations_redis::Desired::of(
                &file, revision,
            )))
        }
        Some(redis_sentinel::CHART) => {
            let file = typed(path, document)?;
            Ok(of_redis(midships_operations_redis::Desired::of_watched(
                &file, revision,
            )))
        }
        _ => UnknownChartSnafu {
            path,
            found: found(&document),
            known: vec![
                rocketmq::CHART,
                rocketmq_topic_transfer::CHART,
                redis::CHART,
                redis_cluster::CHART,
                redis_sentinel::CHART,
            ],
        }
        .fail(),
    }
}

fn of_redis(desired: midships_operations_redis::Desired) -> OfAnyFamily {
    OfAnyFamily::Redis(Box::new(desired))
}

/// Reads the desired state of a release of the chart `rocketmq`.
///
/// # Errors
/// When the file cannot be read, is of another chart or format, or breaks the model's rules.
pub fn read(path: &Path) -> Result<rocketmq::Desired, Error> {
    let (name, text) = text_of(path)?;
    parse_rocketmq(&name, &text)
}

fn parse_rocketmq(path: &str, text: &[u8]) -> Result<rocketmq::Desired, Error> {
    let (chart, document) = parse(path, text)?;
    ensure!(
        chart.as_deref() == Some(rocketmq::CHART),
        UnknownChartSnafu {
            path,
            found: found(&document),
            known: vec![rocketmq::CHART],
        }
    );
    typed(path, document)
}

fn text_of(path: &Path) -> Result<(String, Vec<u8>), Error> {
    let name = path.display().to_string();
    let text = std::fs::read(path).context(UnreadSnafu { path: &name })?;
    Ok((name, text))
}

/// What stands in a file as the chart.
fn found(document: &Value) -> String {
    document.get("chart").unwrap_or(&Value::Null).to_string()
}

/// A file of a known format, and the chart that it names.
fn parse(path: &str, text: &[u8]) -> Result<(Option<String>, Value), Error> {
    let mut document: Value = serde_json::from_slice(text).context(NotJsonSnafu { path })?;
    let format = document.get("format").unwrap_or(&Value::Null);
    ensure!(
        *format == FORMAT,
        UnknownFormatSnafu {
            path,
            found: format.to_string()
        }
    );
    // Helm hands `global` to every chart that another one depends on; it is no value of ours.
    if let Some(values) = document.get_mut("values").and_then(Value::as_object_mut) {
        values.remove("global");
    }
    let chart = document.get("chart").and_then(Value::as_str);
    Ok((chart.map(str::to_owned), document))
}

/// The values of a chart that break none of its rules.
fn typed<V: ChartValues>(path: &str, document: Value) -> Result<Desired<V>, Error>
where
    Desired<V>: DeserializeOwned,
{
    let desired: Desired<V> = serde_json::from_value(document).context(UnfitSnafu { path })?;
    let release = Release {
        name: desired.release.clone(),
        namespace: desired.namespace.clone(),
    };
    let subject = Subject {
        values: &desired.values,
        release: Some(&release),
    };
    let description = Model::of::<V>()
        .description()
        .context(DescribeSnafu { path })?;
    let findings = check(V::RULES, &subject, &description).context(UnfitSnafu { path })?;
    let joined: Vec<String> = findings.iter().map(ToString::to_string).collect();
    ensure!(
        findings.is_empty(),
        BrokenSnafu {
            path,
            findings: joined.join("; ")
        }
    );
    Ok(desired)
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;

    use super::*;

    /// The desired state of a release with the chart's defaults.
    pub fn document() -> Value {
        json!({
            "format": 1, "chart": "rocketmq", "chartVersion": "0.1.0", "release": "orders", "namespace": "shop",
            "fullName": "orders-rocketmq", "templates": {"broker": "b"}, "values": rocketmq::Values::default()
        })
    }

    fn refusal(document: &Value) -> String {
        let error = parse_rocketmq("desired.json", document.to_string().as_bytes()).unwrap_err();
        assert!(error.problem().is_some());
        error.to_string()
    }

    #[test]
    fn the_charts_defaults_are_read_with_or_without_helms_global() {
        let mut document = document();
        let read = parse_rocketmq("desired.json", document.to_string().as_bytes()).unwrap();
        assert_eq!(read.values, rocketmq::Values::default());
        document["values"]["global"] = json!({"imageRegistry": "x"});
        assert_eq!(
            parse_rocketmq("desired.json", document.to_string().as_bytes()).unwrap(),
            read
        );
    }

    #[test]
    fn what_this_version_does_not_know_is_refused_with_its_name() {
        let changed = |pointer: &str, value: Value| {
            let mut document = document();
            *document.pointer_mut(pointer).unwrap() = value;
            refusal(&document)
        };
        assert!(changed("/format", json!(2)).contains("format is 2"));
        assert!(changed("/chart", json!("redis")).contains("chart is \"redis\""));
        assert!(changed("/values/nameServers/count", json!(-1)).contains("-1"));
        assert!(changed("/values/nameServers", json!({"counts": 1})).contains("counts"));
        let mut missing = document();
        missing.as_object_mut().unwrap().remove("format");
        assert!(refusal(&missing).contains("format is null"));
        assert!(
            parse_rocketmq("desired.json", b"{")
                .unwrap_err()
                .problem()
                .is_some()
        );
    }

    #[test]
    fn a_broken_rule_is_refused_with_its_path() {
        let mut document = document();
        document["values"]["nameServers"]["heapMegabytes"] = json!(100_000);
        assert!(
            refusal(&document).contains("nameServers.heapMegabytes"),
            "{}",
            refusal(&document)
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_a_matter_of_the_command_line() {
        let error = read(Path::new("/nonexistent/desired.json")).unwrap_err();
        assert!(error.problem().is_none());
        assert!(
            error
                .to_string()
                .starts_with("/nonexistent/desired.json: unable to read it")
        );
    }

    /// The desired state of a release that moves a topic.
    pub fn transfer_document() -> Value {
        let mut values = rocketmq_topic_transfer::Values::default();
        "orders".clone_into(&mut values.topic);
        "old".clone_into(&mut values.source.release);
        "new".clone_into(&mut values.target.release);
        json!({
            "format": 1, "chart": "rocketmq-topic-transfer", "chartVersion": "0.1.0", "release": "move",
            "namespace": "shop", "fullName": "move-rocketmq-topic-transfer", "templates": {}, "values": values
        })
    }

    fn of_redis(document: &Value) -> midships_operations_redis::Desired {
        let text = document.to_string();
        match parse_any("desired.json", text.as_bytes(), None).unwrap() {
            OfAnyFamily::Redis(desired) => *desired,
            other @ OfAnyFamily::Rocketmq(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn sentinels_are_known_by_their_pods_and_with_tls_by_its_port() {
        let mut values = redis_sentinel::Values::default();
        "carts-tls".clone_into(&mut values.tls.secret_name);
        let document = json!({
            "format": 1, "chart": "redis-sentinel", "chartVersion": "0.1.0", "release": "carts", "namespace": "shop",
            "fullName": "carts-redis-sentinel", "templates": {}, "values": values
        });
        let desired = of_redis(&document);
        let watch = desired.watch().unwrap();
        assert_eq!(watch.master_name, "mymaster");
        let last = watch.sentinels.last().unwrap();
        assert_eq!(
            last.address,
            "carts-redis-sentinel-sentinel-2.carts-redis-sentinel-sentinel-pods.shop.svc.cluster.local:26380"
        );
        let ports = desired
            .servers()
            .all(|server| server.address.ends_with(":6380"));
        assert!(ports);
    }

    #[test]
    fn each_chart_is_read_as_its_own_and_no_other_one() {
        let read = |document: &Value| match parse_any(
            "desired.json",
            document.to_string().as_bytes(),
            Some(3),
        )? {
            OfAnyFamily::Rocketmq(wanted) => Ok::<_, Error>(wanted),
            other @ OfAnyFamily::Redis(_) => panic!("{other:?}"),
        };
        match read(&document()).unwrap() {
            Wanted::Rocketmq { revision, .. } => assert_eq!(revision, Some(3)),
            other @ Wanted::TopicTransfer(_) => panic!("{other:?}"),
        }
        let transfer = read(&transfer_document()).unwrap();
        assert_eq!(transfer.place(), ("shop", "move-rocketmq-topic-transfer"));
        assert!(matches!(transfer, Wanted::TopicTransfer(_)));
        for (chart, values, address) in [
            (
                "redis",
                json!(redis::Values::default()),
                "carts-redis-server-0.carts-redis-server.shop.svc:6379",
            ),
            (
                "redis-cluster",
                json!(redis_cluster::Values::default()),
                "carts-redis-cluster-shard-0-0.carts-redis-cluster-servers.shop.svc.cluster.local:6379",
            ),
            (
                "redis-sentinel",
                json!(redis_sentinel::Values::default()),
                "carts-redis-sentinel-server-0.carts-redis-sentinel-server-pods.shop.svc.cluster.local:6379",
            ),
        ] {
            let document = json!({
                "format": 1, "chart": chart, "chartVersion": "0.1.0", "release": "carts", "namespace": "shop",
                "fullName": format!("carts-{chart}"), "templates": {"server": "s"}, "values": values
            });
            let desired = of_redis(&document);
            let first = desired
                .servers()
                .next()
                .map(|server| server.address.as_str());
            assert_eq!(first, Some(address));
        }
        let told = refusal(&transfer_document());
        assert!(told.contains("chart is \"rocketmq-topic-transfer\"; allowed here: `rocketmq`"));
        let mut unnamed = transfer_document();
        unnamed["values"]["target"]["release"] = json!("");
        let told = read(&unnamed).unwrap_err().to_string();
        assert!(told.contains("target.release"), "{told}");
    }
}
