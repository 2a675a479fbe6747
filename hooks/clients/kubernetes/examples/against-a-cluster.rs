//! Tries every call of the client against a real API server, with the rights that the chart grants and no more.
//!
//! `tests/cluster` makes the objects, the rights and the kubeconfig, and runs this. Each check says what
//! it saw; the first one that fails ends the program with what was expected.

use std::error::Error;
use std::io::Write;

use midships_client_kubernetes::{Answer, Client, Command, DataVolume, Pod, Query, Reason, Store};
use midships_engine::world::{CommandFault, LeaseRecord, StoreFault};

/// The full name of the cluster that the objects belong to.
const CLUSTER: &str = "tried";

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let client = Client::connect(None).await?;
    reads(&client).await?;
    journal(&client).await?;
    lease(&client).await?;
    keys(&client).await?;
    events(&client).await?;
    evictions(&client).await?;
    rights(&client).await?;
    said("all checks passed")
}

fn said(text: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

fn expect(holds: bool, what: &str) -> Outcome {
    if holds {
        said(&format!("ok: {what}"))
    } else {
        Err(format!("not so: {what}").into())
    }
}

async fn pods(client: &Client) -> Outcome<Vec<Pod>> {
    match client
        .ask(&Query::Pods {
            cluster: CLUSTER.to_owned(),
        })
        .await?
    {
        Answer::Pods(pods) => Ok(pods),
        other => Err(format!("{other:?}").into()),
    }
}

async fn reads(client: &Client) -> Outcome {
    let pods = pods(client).await?;
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    expect(
        names == ["tried-0", "tried-1"],
        "both pods are listed, and the pod of another cluster is not",
    )?;
    let complete = pods.iter().all(|pod| {
        pod.ready
            && !pod.terminating
            && pod.phase == "Running"
            && pod.ip.is_some()
            && pod.node.is_some()
    });
    expect(complete, "ready pods have addresses and nodes")?;
    let Answer::StatefulSets(sets) = client
        .ask(&Query::StatefulSets {
            cluster: CLUSTER.to_owned(),
        })
        .await?
    else {
        return Err("no StatefulSets".into());
    };
    let set = sets.first().ok_or("no StatefulSet")?;
    expect(
        (set.replicas, set.ready_replicas) == (2, 2),
        "the StatefulSet has 2 of 2 pods ready",
    )?;
    expect(
        set.data == DataVolume::EmptyDir && !set.deleting,
        "its volume data is seen as an emptyDir",
    )?;
    let missing = client
        .ask(&Query::ConfigMap {
            name: "tried-absent".to_owned(),
        })
        .await?;
    expect(
        missing == Answer::ConfigMap(None),
        "a ConfigMap that does not exist is an answer",
    )
}

async fn journal(client: &Client) -> Outcome {
    let mut first = Store::new(client.clone(), CLUSTER);
    let mut second = Store::new(client.clone(), CLUSTER);
    let mut mine = first.read_journal().await.map_err(fault)?;
    let mut theirs = second.read_journal().await.map_err(fault)?;
    mine.data.insert("plan".to_owned(), "mine".to_owned());
    theirs.data.insert("plan".to_owned(), "theirs".to_owned());
    mine.version = first.write_journal(&mine).await.map_err(fault)?;
    expect(
        second.write_journal(&theirs).await == Err(StoreFault::Conflict),
        "the second of two writers of the journal is refused",
    )?;
    let read = second.read_journal().await.map_err(fault)?;
    expect(
        read == mine,
        "the first writer's journal stands, with the version that was returned",
    )?;
    mine.data.clear();
    mine.version = first.write_journal(&mine).await.map_err(fault)?;
    expect(
        first.read_journal().await.map_err(fault)? == mine,
        "every key can be removed",
    )?;
    let stale = second.write_journal(&theirs).await;
    expect(
        stale == Err(StoreFault::Conflict),
        "a writer that read anew meanwhile is refused under its old version",
    )?;
    let mut absent = Store::new(client.clone(), "tried-absent");
    let missing = absent.read_journal().await;
    expect(
        matches!(missing, Err(StoreFault::Missing { .. })),
        "a journal that does not exist is missing",
    )
}

async fn lease(client: &Client) -> Outcome {
    let mut first = Store::new(client.clone(), CLUSTER);
    let mut second = Store::new(client.clone(), CLUSTER);
    let free = first.read_lease().await.map_err(fault)?;
    expect(
        free.holder.is_none() && free.epoch == 0,
        "a lease without data is free and has epoch 0",
    )?;
    let seen = second.read_lease().await.map_err(fault)?;
    let take = |record: LeaseRecord, holder: &str| LeaseRecord {
        holder: Some(holder.to_owned()),
        epoch: record.epoch + 1,
        duration: 15_000,
        ..record
    };
    let taken = first
        .write_lease(&take(free, "first"))
        .await
        .map_err(fault)?;
    expect(
        taken.holder.as_deref() == Some("first") && taken.epoch == 1 && taken.duration == 15_000,
        "taking it raises the epoch",
    )?;
    let late = second.write_lease(&take(seen, "second")).await;
    expect(
        late == Err(StoreFault::Conflict),
        "the second of two takers is refused",
    )?;
    let renewed = first.write_lease(&taken).await.map_err(fault)?;
    expect(
        renewed.renewal != taken.renewal && renewed.version != taken.version,
        "a renewal changes mark and version",
    )?;
    let read = second.read_lease().await.map_err(fault)?;
    expect(read == renewed, "what is read equals what was written")?;
    expect(
        !second.release_lease("second").await.map_err(fault)?,
        "only its holder gives it back",
    )?;
    expect(
        first.release_lease("first").await.map_err(fault)?,
        "its holder gives it back",
    )?;
    let after = second.read_lease().await.map_err(fault)?;
    expect(
        after.holder.is_none() && after.epoch == 1,
        "then it is free, and the epoch stands",
    )
}

async fn keys(client: &Client) -> Outcome {
    let name = "tried-interim".to_owned();
    let Answer::ConfigMap(Some(before)) =
        client.ask(&Query::ConfigMap { name: name.clone() }).await?
    else {
        return Err("no ConfigMap tried-interim".into());
    };
    let set = |version: &str, value: Option<&str>| Command::SetConfigMapKey {
        name: name.clone(),
        version: version.to_owned(),
        key: "name-servers".to_owned(),
        value: value.map(str::to_owned),
    };
    client
        .perform(&set(&before.version, Some("a:9876")))
        .await
        .map_err(command)?;
    let Answer::ConfigMap(Some(after)) =
        client.ask(&Query::ConfigMap { name: name.clone() }).await?
    else {
        return Err("no ConfigMap tried-interim".into());
    };
    expect(
        after.data.get("name-servers").map(String::as_str) == Some("a:9876"),
        "a key is set",
    )?;
    let late = client.perform(&set(&before.version, None)).await;
    expect(
        matches!(late, Err(CommandFault::Declined(_))),
        "a command under an old version is declined",
    )?;
    client
        .perform(&set(&after.version, None))
        .await
        .map_err(command)?;
    let Answer::ConfigMap(Some(cleared)) = client.ask(&Query::ConfigMap { name }).await? else {
        return Err("no ConfigMap tried-interim".into());
    };
    expect(cleared.data.is_empty(), "a key is removed")
}

async fn events(client: &Client) -> Outcome {
    let mut store = Store::new(client.clone(), CLUSTER);
    store.read_journal().await.map_err(fault)?;
    for reason in [Reason::OperationStarted, Reason::OperationRefused] {
        store
            .create_event(
                reason,
                "tried with the rights of a Job",
                "against-a-cluster",
            )
            .await?;
    }
    said("ok: Events are taken")
}

async fn evictions(client: &Client) -> Outcome {
    let before = pods(client).await?;
    let first = before.first().ok_or("no pod")?;
    let evict = |uid: &str| Command::EvictPod {
        name: first.name.clone(),
        uid: uid.to_owned(),
    };
    client.perform(&evict(&first.uid)).await.map_err(command)?;
    said("ok: a pod within the budget is evicted")?;
    let second = before.get(1).ok_or("no second pod")?;
    let over = Command::EvictPod {
        name: second.name.clone(),
        uid: second.uid.clone(),
    };
    let budget = client.perform(&over).await;
    let Err(CommandFault::Declined(why)) = budget else {
        return Err(format!("an eviction beyond the budget was not declined: {budget:?}").into());
    };
    expect(
        why.why.contains("disruption budget"),
        &format!("declined: {}: {}", why.object, why.why),
    )?;
    let began = std::time::Instant::now();
    loop {
        let now = pods(client).await?;
        if now
            .iter()
            .any(|pod| pod.name == first.name && pod.uid != first.uid && pod.ready)
        {
            break;
        }
        if began.elapsed().as_secs() > 120 {
            return Err("the evicted pod did not come back within 120 s".into());
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let late = client.perform(&evict(&first.uid)).await;
    let Err(CommandFault::Declined(why)) = late else {
        return Err(format!(
            "an eviction under the uid of a pod that has gone was not declined: {late:?}"
        )
        .into());
    };
    said(&format!("ok: declined: {}: {}", why.object, why.why))?;
    let after = pods(client).await?;
    expect(
        after.iter().all(|pod| !pod.terminating),
        "the same eviction again does not touch the new pod",
    )
}

async fn rights(client: &Client) -> Outcome {
    let foreign = Command::SetConfigMapKey {
        name: "tried-foreign".to_owned(),
        version: "1".to_owned(),
        key: "a".to_owned(),
        value: None,
    };
    let Err(CommandFault::Declined(why)) = client.perform(&foreign).await else {
        return Err("another ConfigMap was written".into());
    };
    said(&format!("ok: declined: {}: {}", why.object, why.why))?;
    let mut store = Store::new(client.clone(), "tried-foreign");
    let fault = store.read_lease().await;
    expect(
        matches!(fault, Err(StoreFault::Forbidden { .. })),
        "a lease without a right to it is forbidden",
    )
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err takes"
)]
fn fault(fault: StoreFault) -> String {
    format!("{fault:?}")
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err takes"
)]
fn command(fault: CommandFault) -> String {
    format!("{fault:?}")
}
