//! The names and addresses of a release's objects, as the chart's templates make them.

use super::controllers::CONTROLLER_PORT;
use super::{CHART, NAME_SERVER_PORT, NameServerSource, Values};

/// Who a broker is within its group.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// The master, broker id 0.
    Master,
    /// A replica, with its number from 1, which is its broker id.
    Replica(u32),
    /// One of a group whose master is elected, with its number from 0.
    Elected(u32),
}

impl Role {
    /// The role of the broker of a number within its group, from 0.
    #[must_use]
    pub fn of(number: u32, is_elected: bool) -> Self {
        match number {
            _ if is_elected => Self::Elected(number),
            0 => Self::Master,
            _ => Self::Replica(number),
        }
    }

    /// The number of the broker within its group, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Master => 0,
            Self::Replica(number) | Self::Elected(number) => number,
        }
    }
}

/// A release whose names are asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Names {
    /// The name from which all others are made.
    pub full_name: String,
    /// The release's namespace.
    pub namespace: String,
    /// The domain of the cluster's DNS names.
    pub cluster_domain: String,
}

/// The name from which the names of a release's objects are made: the release's, if it contains the chart's.
#[must_use]
pub fn full_name(release: &str) -> String {
    crate::model::full_name(CHART, release)
}

impl Names {
    /// The names of a release.
    #[must_use]
    pub fn new(release: &str, namespace: &str, cluster_domain: &str) -> Self {
        Self {
            full_name: full_name(release),
            namespace: namespace.to_owned(),
            cluster_domain: cluster_domain.to_owned(),
        }
    }

    /// The `StatefulSet` and the headless Service of the name servers.
    #[must_use]
    pub fn name_servers(&self) -> String {
        format!("{}-name-server", self.full_name)
    }

    /// A name server's pod, from 0.
    #[must_use]
    pub fn name_server_pod(&self, number: u32) -> String {
        format!("{}-{number}", self.name_servers())
    }

    /// The headless Service of the brokers.
    #[must_use]
    pub fn brokers(&self) -> String {
        format!("{}-broker", self.full_name)
    }

    /// The `StatefulSet` of a broker.
    #[must_use]
    pub fn broker(&self, group: u32, role: Role) -> String {
        match role {
            Role::Master => format!("{}-{group}-master", self.brokers()),
            Role::Replica(number) => format!("{}-{group}-replica-{number}", self.brokers()),
            Role::Elected(number) => format!("{}-{group}-{number}", self.brokers()),
        }
    }

    /// The pod of a broker.
    #[must_use]
    pub fn broker_pod(&self, group: u32, role: Role) -> String {
        format!("{}-0", self.broker(group, role))
    }

    /// The `StatefulSet` and the headless Service of the controllers.
    #[must_use]
    pub fn controllers(&self) -> String {
        format!("{}-controller", self.full_name)
    }

    /// The address at which a controller is asked, `host:port`: that of its own Service, which stays when the pod's changes.
    #[must_use]
    pub fn controller_address(&self, number: u32) -> String {
        format!(
            "{}-{number}.{}.svc.{}:{CONTROLLER_PORT}",
            self.controllers(),
            self.namespace,
            self.cluster_domain
        )
    }

    /// The name that the brokers of a group register. No other release has it, even one that shares the name servers.
    #[must_use]
    pub fn group_name(&self, group: u32) -> String {
        format!("{}_{}-{group}", self.namespace, self.brokers())
    }

    /// The DNS name of a pod behind a headless Service.
    #[must_use]
    pub fn host(&self, pod: &str, service: &str) -> String {
        format!(
            "{pod}.{service}.{}.svc.{}",
            self.namespace, self.cluster_domain
        )
    }

    /// The address of a name server of this release, `host:port`.
    #[must_use]
    pub fn name_server_address(&self, number: u32) -> String {
        let host = self.host(&self.name_server_pod(number), &self.name_servers());
        format!("{host}:{NAME_SERVER_PORT}")
    }

    /// The DNS name that a broker registers: that of its own Service, whose address stays when the pod's changes.
    #[must_use]
    pub fn broker_host(&self, group: u32, role: Role) -> String {
        format!(
            "{}.{}.svc.{}",
            self.broker(group, role),
            self.namespace,
            self.cluster_domain
        )
    }
}

impl Values {
    /// The addresses of the name servers that the brokers of a release use, in order.
    #[must_use]
    pub fn name_server_addresses(&self, release: &Names) -> Vec<String> {
        let name_servers = &self.name_servers;
        let of = |names: &Names, count: u32| {
            (0..count)
                .map(|number| names.name_server_address(number))
                .collect()
        };
        match name_servers.source {
            NameServerSource::Own => of(release, name_servers.count),
            NameServerSource::Release => {
                let other = &name_servers.release;
                let namespace = if other.namespace.is_empty() {
                    &release.namespace
                } else {
                    &other.namespace
                };
                of(
                    &Names::new(&other.name, namespace, &release.cluster_domain),
                    other.count,
                )
            }
            NameServerSource::Addresses => name_servers
                .addresses
                .iter()
                .map(|address| address.0.clone())
                .collect(),
        }
    }

    /// The name of the cluster that the brokers register.
    #[must_use]
    pub fn cluster_name<'a>(&'a self, release: &'a Names) -> &'a str {
        match self.brokers.cluster_name.as_str() {
            "" => &release.full_name,
            set => set,
        }
    }

    /// The addresses of the release's controllers, in order.
    #[must_use]
    pub fn controller_addresses(&self, release: &Names) -> Vec<String> {
        let count = if self.controllers.enabled {
            self.controllers.count
        } else {
            0
        };
        (0..count)
            .map(|number| release.controller_address(number))
            .collect()
    }

    /// Every broker of the release: its group and its role, masters first within a group where they are not elected.
    #[must_use]
    pub fn broker_roles(&self) -> Vec<(u32, Role)> {
        if !self.brokers.enabled {
            return Vec::new();
        }
        let replicas = self.brokers.replicas_per_group;
        (0..self.brokers.groups)
            .flat_map(|group| {
                let is_elected = self.controllers.enabled;
                (0..=replicas).map(move |number| (group, Role::of(number, is_elected)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_release() {
        assert_eq!(full_name("orders"), "orders-rocketmq");
        assert_eq!(full_name("rocketmq"), "rocketmq");
        let names = Names::new("orders", "shop", "cluster.local");
        assert_eq!(
            names.name_server_address(1),
            "orders-rocketmq-name-server-1.orders-rocketmq-name-server.shop.svc.cluster.local:9876"
        );
        assert_eq!(
            names.broker_host(0, Role::Replica(1)),
            "orders-rocketmq-broker-0-replica-1.shop.svc.cluster.local"
        );
        let values = Values::default();
        assert_eq!(names.group_name(1), "shop_orders-rocketmq-broker-1");
        assert_eq!(values.broker_roles().len(), 4);
        assert_eq!(values.name_server_addresses(&names).len(), 2);
        assert!(values.controller_addresses(&names).is_empty());

        let mut values = values;
        values.controllers.enabled = true;
        let elected: Vec<String> = values
            .broker_roles()
            .into_iter()
            .map(|(group, role)| names.broker_pod(group, role))
            .collect();
        assert_eq!(
            elected[..2],
            [
                "orders-rocketmq-broker-0-0-0",
                "orders-rocketmq-broker-0-1-0"
            ]
        );
        assert_eq!(
            values.controller_addresses(&names)[2],
            "orders-rocketmq-controller-2.shop.svc.cluster.local:9878"
        );
    }
}
