//! The catalogue of mistakes: values as people write them, and what a check must say about each.

#![cfg(test)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A mistake in values.
#[derive(Clone, Copy, Debug)]
pub struct Mistake {
    /// Its name in the file of Helm's answers.
    pub name: &'static str,
    /// What was done wrong, in words.
    pub title: &'static str,
    /// The values that the release has had before, where the mistake is the change.
    pub before: Option<&'static str>,
    /// The name of the release.
    pub release: &'static str,
    /// The file of values.
    pub values: &'static [u8],
    /// The rule that refuses it.
    pub rule: &'static str,
    /// The path that is named.
    pub path: &'static str,
    /// The line that is named; 0 where the mistake does not stand in the file.
    pub line: usize,
    /// A part of what is said to be allowed.
    pub allowed: &'static str,
    /// Why it is refused although Helm takes it; nothing where Helm refuses it too.
    pub taken_by_helm: Option<&'static str>,
}

const fn mistake(
    name: &'static str,
    title: &'static str,
    values: &'static [u8],
    (rule, path, line, allowed): (&'static str, &'static str, usize, &'static str),
) -> Mistake {
    Mistake {
        name,
        title,
        before: None,
        release: "orders",
        values,
        rule,
        path,
        line,
        allowed,
        taken_by_helm: None,
    }
}

impl Mistake {
    const fn taken_by_helm(mut self, why: &'static str) -> Self {
        self.taken_by_helm = Some(why);
        self
    }

    const fn after(mut self, before: &'static str) -> Self {
        self.before = Some(before);
        self
    }

    const fn in_release(mut self, name: &'static str) -> Self {
        self.release = name;
        self
    }
}

const AMOUNT: &str = "Mi, Gi or Ti";

/// The mistakes, kind by kind.
pub const MISTAKES: &[(&str, &[Mistake])] = &[
    ("Names and places of fields", FIELDS),
    ("Types", TYPES),
    ("Units", UNITS),
    ("Bounds, choices and forms", BOUNDS),
    ("Traps of YAML", YAML),
    ("Files that cannot be read", FILES),
    ("Fields that do not go together", PAIRS),
    ("Values without effect", IDLE),
    ("Changes that a release cannot make", CHANGES),
];

/// Why Helm takes a value that has no effect.
const NO_EFFECT: &str = "The value stays in the release and has no effect.";
/// Why Helm takes a change that is refused.
const LATE: &str = "Helm does not know what cannot change; the Job before the upgrade refuses it, or Kubernetes does.";

const IDLE: &[Mistake] = &[
    mistake(
        "directory-without-host-path",
        "A directory of the node, but another place for data",
        b"brokers:\n  storage:\n    hostPath: /srv/rocketmq\n",
        (
            "no-effect",
            "brokers.storage.hostPath",
            3,
            "brokers.storage.mode == HostPath",
        ),
    )
    .taken_by_helm(NO_EFFECT),
    mistake(
        "addresses-of-own",
        "Addresses of name servers, and name servers of its own",
        b"nameServers:\n  addresses:\n    - names.example:9876\n",
        (
            "no-effect",
            "nameServers.addresses",
            2,
            "nameServers.source == Addresses",
        ),
    )
    .taken_by_helm(NO_EFFECT),
    mistake(
        "groups-without-brokers",
        "Groups of brokers, and no brokers",
        b"brokers:\n  enabled: false\n  groups: 4\n",
        ("no-effect", "brokers.groups", 3, "brokers.enabled == true"),
    )
    .taken_by_helm(NO_EFFECT),
];

const CHANGES: &[Mistake] = &[
    mistake(
        "smaller-volumes-by-leaving-out",
        "A field that is left out, so that its default comes back",
        b"nameServers:\n  count: 3\n",
        (
            "forbidden-change",
            "brokers.storage.size",
            0,
            "at least \"40Gi\"",
        ),
    )
    .after("nameServers:\n  count: 3\nbrokers:\n  storage:\n    size: 40Gi\n")
    .taken_by_helm(LATE),
    mistake(
        "smaller-volumes",
        "Smaller volumes than those that are there",
        b"brokers:\n  storage:\n    size: 10Gi\n",
        (
            "forbidden-change",
            "brokers.storage.size",
            3,
            "at least \"20Gi\"",
        ),
    )
    .after("brokers:\n  storage:\n    size: 20Gi\n")
    .taken_by_helm(LATE),
    mistake(
        "another-place-for-data",
        "Another place for data",
        b"brokers:\n  storage:\n    mode: EmptyDir\n",
        (
            "forbidden-change",
            "brokers.storage.mode",
            3,
            "StorageClass",
        ),
    )
    .after("brokers: {}\n")
    .taken_by_helm(LATE),
    mistake(
        "another-cluster-name",
        "Another name of the cluster",
        b"brokers:\n  clusterName: orders\n",
        ("forbidden-change", "brokers.clusterName", 2, "shop"),
    )
    .after("brokers:\n  clusterName: shop\n")
    .taken_by_helm(LATE),
];

const FIELDS: &[Mistake] = &[
    mistake(
        "field-typo",
        "A letter is missing",
        b"brokers:\n  group: 3\n",
        ("unknown-field", "brokers.group", 2, "groups"),
    ),
    mistake(
        "group-typo",
        "A group is misspelt",
        b"nameServer:\n  count: 3\n",
        ("unknown-field", "nameServer", 1, "nameServers"),
    ),
    mistake(
        "wrong-case",
        "A capital too many",
        b"brokers:\n  Groups: 3\n",
        ("unknown-field", "brokers.Groups", 2, "groups"),
    ),
    mistake(
        "dashes",
        "Dashes in a name",
        b"brokers:\n  replicas-per-group: 2\n",
        ("unknown-field", "brokers.replicas-per-group", 2, "replicasPerGroup"),
    ),
    mistake(
        "other-group",
        "A field of a group stands at the root",
        b"groups: 3\n",
        ("unknown-field", "groups", 1, "brokers"),
    ),
    mistake(
        "too-deep",
        "A field is indented too far",
        b"brokers:\n  storage:\n    size: 40Gi\n    groups: 3\n",
        ("unknown-field", "brokers.storage.groups", 4, "className"),
    ),
    mistake(
        "not-deep-enough",
        "A field is not indented",
        b"brokers:\nreplicasPerGroup: 2\n",
        ("unknown-field", "replicasPerGroup", 2, "brokers"),
    ),
    mistake(
        "dotted-key",
        "A path as `--set` takes it",
        b"brokers.groups: 3\n",
        ("dotted-key", "brokers.groups", 1, "a line for each group"),
    ),
    mistake(
        "field-of-another-chart",
        "A field of another chart",
        b"brokers:\n  persistence:\n    enabled: true\n",
        ("unknown-field", "brokers.persistence", 2, "storage"),
    ),
    mistake(
        "anchor-at-root",
        "A field of one's own to hold an anchor",
        b"defaults: &defaults\n  groups: 3\nbrokers:\n  <<: *defaults\n",
        ("unknown-field", "defaults", 1, "brokers"),
    ),
    mistake(
        "entry-without-field",
        "An entry of a list lacks a field",
        b"brokers:\n  pod:\n    topologySpread:\n      - topologyKey: zone\n        whenUnsatisfiable: DoNotSchedule\n",
        ("missing-field", "brokers.pod.topologySpread[0].maxSkew", 4, "1 to 32"),
    ),
];

const TYPES: &[Mistake] = &[
    mistake(
        "word-for-number",
        "A number in words",
        b"nameServers:\n  count: three\n",
        ("wrong-type", "nameServers.count", 2, "1 to 9"),
    ),
    mistake(
        "quoted-number",
        "A number in quotes",
        b"nameServers:\n  count: \"3\"\n",
        ("wrong-type", "nameServers.count", 2, "1 to 9"),
    ),
    mistake(
        "fraction",
        "A fraction where a whole number is wanted",
        b"brokers:\n  groups: 2.5\n",
        ("wrong-type", "brokers.groups", 2, "1 to 32"),
    ),
    mistake(
        "number-for-boolean",
        "1 for true",
        b"brokers:\n  enabled: 1\n",
        ("wrong-type", "brokers.enabled", 2, "true, false"),
    ),
    mistake(
        "quoted-boolean",
        "A boolean in quotes",
        b"networkPolicy:\n  enabled: \"false\"\n",
        ("wrong-type", "networkPolicy.enabled", 2, "true, false"),
    ),
    mistake(
        "list-for-mapping",
        "A list where fields are wanted",
        b"brokers:\n  - groups: 3\n",
        ("wrong-type", "brokers", 1, "a mapping"),
    ),
    mistake(
        "mapping-for-text",
        "Fields where a word is wanted",
        b"brokers:\n  clusterName: {name: orders}\n",
        ("wrong-type", "brokers.clusterName", 2, "letters, digits"),
    ),
    mistake(
        "text-for-list",
        "One address where a list is wanted",
        b"nameServers:\n  source: Addresses\n  addresses: names.example:9876\n",
        ("wrong-type", "nameServers.addresses", 3, "a list"),
    ),
    mistake(
        "no-space-after-colon",
        "No space after a colon",
        b"brokers:\n  groups:3\n",
        ("wrong-type", "brokers", 2, "a mapping"),
    ),
];

const UNITS: &[Mistake] = &[
    mistake(
        "memory-without-unit",
        "Memory without a unit",
        b"brokers:\n  resources:\n    limits:\n      memory: 512\n",
        ("missing-unit", "brokers.resources.limits.memory", 4, AMOUNT),
    ),
    mistake(
        "size-without-unit",
        "A size without a unit",
        b"brokers:\n  storage:\n    size: 20\n",
        ("missing-unit", "brokers.storage.size", 3, AMOUNT),
    ),
    mistake(
        "quoted-size-without-unit",
        "A size without a unit, in quotes",
        b"brokers:\n  storage:\n    size: \"20\"\n",
        ("missing-unit", "brokers.storage.size", 3, AMOUNT),
    ),
    mistake(
        "decimal-unit",
        "A unit of a thousand",
        b"brokers:\n  resources:\n    limits:\n      memory: 2G\n",
        ("wrong-unit", "brokers.resources.limits.memory", 4, AMOUNT),
    ),
    mistake(
        "megabytes",
        "MB for Mi",
        b"nameServers:\n  resources:\n    limits:\n      memory: 512MB\n",
        (
            "wrong-unit",
            "nameServers.resources.limits.memory",
            4,
            AMOUNT,
        ),
    ),
    mistake(
        "unit-in-small-letters",
        "A unit in small letters",
        b"brokers:\n  storage: {size: 40gi}\n",
        ("wrong-unit", "brokers.storage.size", 2, AMOUNT),
    ),
    mistake(
        "space-before-unit",
        "A space before the unit",
        b"brokers:\n  storage: {size: 40 Gi}\n",
        ("wrong-unit", "brokers.storage.size", 2, AMOUNT),
    ),
    mistake(
        "fraction-with-unit",
        "A fraction with a unit",
        b"brokers:\n  resources:\n    limits:\n      memory: 2.5Gi\n",
        ("wrong-unit", "brokers.resources.limits.memory", 4, AMOUNT),
    ),
    mistake(
        "fraction-of-a-core",
        "A fraction of a core",
        b"brokers:\n  resources:\n    limits:\n      cpu: 0.5\n",
        (
            "wrong-unit",
            "brokers.resources.limits.cpu",
            4,
            "thousandths such as 500m",
        ),
    ),
    mistake(
        "unit-of-megabytes",
        "A unit where megabytes are understood",
        b"brokers:\n  heapMegabytes: 512m\n",
        ("wrong-type", "brokers.heapMegabytes", 2, "0 to"),
    ),
    mistake(
        "unit-of-seconds",
        "A unit where seconds are understood",
        b"brokers:\n  clientRouteRefreshSeconds: 30s\n",
        (
            "wrong-type",
            "brokers.clientRouteRefreshSeconds",
            2,
            "1 to 600",
        ),
    ),
];

const BOUNDS: &[Mistake] = &[
    mistake(
        "too-many",
        "More than the most",
        b"brokers:\n  groups: 33\n",
        ("out-of-range", "brokers.groups", 2, "1 to 32"),
    ),
    mistake(
        "none",
        "None where one is needed",
        b"nameServers:\n  count: 0\n",
        ("out-of-range", "nameServers.count", 2, "1 to 9"),
    ),
    mistake(
        "negative",
        "A negative number",
        b"nameServers:\n  count: -1\n",
        ("out-of-range", "nameServers.count", 2, "1 to 9"),
    ),
    mistake(
        "no-such-choice",
        "A word that is none of the choices",
        b"brokers:\n  storage:\n    mode: Cloud\n",
        (
            "wrong-choice",
            "brokers.storage.mode",
            3,
            "EmptyDir, HostPath, StorageClass",
        ),
    ),
    mistake(
        "choice-in-small-letters",
        "A choice in small letters",
        b"brokers:\n  image:\n    pullPolicy: ifnotpresent\n",
        (
            "wrong-choice",
            "brokers.image.pullPolicy",
            3,
            "IfNotPresent",
        ),
    ),
    mistake(
        "address-without-port",
        "An address without a port",
        b"nameServers:\n  source: Addresses\n  addresses:\n    - names.example\n",
        ("wrong-form", "nameServers.addresses[0]", 4, "host:port"),
    ),
    mistake(
        "port-too-high",
        "A port that there is not",
        b"nameServers:\n  source: Addresses\n  addresses:\n    - names.example:99999\n",
        ("wrong-form", "nameServers.addresses[0]", 4, "1 to 65535"),
    ),
    mistake(
        "address-twice",
        "The same address twice",
        b"nameServers:\n  source: Addresses\n  addresses: [\"a:9876\", \"a:9876\"]\n",
        (
            "repeated-entry",
            "nameServers.addresses",
            3,
            "each entry once",
        ),
    ),
    mistake(
        "relative-path",
        "A path without its first slash",
        b"brokers:\n  storage:\n    mode: HostPath\n    hostPath: srv/rocketmq\n",
        (
            "wrong-form",
            "brokers.storage.hostPath",
            4,
            "an absolute path",
        ),
    ),
    mistake(
        "repository-in-capitals",
        "A repository in capitals",
        b"brokers:\n  image:\n    repository: Apache/RocketMQ\n",
        (
            "wrong-form",
            "brokers.image.repository",
            3,
            "a repository such as",
        ),
    ),
    mistake(
        "image-in-tag",
        "A whole image as the tag",
        b"brokers:\n  image:\n    tag: apache/rocketmq:5.4.0\n",
        ("wrong-form", "brokers.image.tag", 3, "a tag"),
    ),
    mistake(
        "label-with-spaces",
        "A label with spaces",
        b"commonLabels:\n  team: orders and payments\n",
        ("wrong-form", "commonLabels.team", 2, "at most 63 letters"),
    ),
    mistake(
        "label-key-with-slashes",
        "The key of a label with two slashes",
        b"commonLabels:\n  a/b/c: d\n",
        (
            "wrong-key",
            "commonLabels.a/b/c",
            2,
            "after a domain and a slash",
        ),
    ),
    mistake(
        "domain-too-long",
        "A name that is too long",
        b"clusterDomain: cluster.of.a.department.with.a.very.long.name.and.then.some.example\n",
        ("wrong-length", "clusterDomain", 1, "at most 60 characters"),
    ),
];

const YAML: &[Mistake] = &[
    mistake(
        "version-as-number",
        "A version without quotes",
        b"brokers:\n  image:\n    tag: 5.4\n",
        ("yaml-number", "brokers.image.tag", 3, "a tag"),
    ),
    mistake(
        "version-that-loses-a-zero",
        "A version that becomes another",
        b"brokers:\n  image:\n    tag: 5.10\n",
        ("yaml-number", "brokers.image.tag", 3, "a tag"),
    ),
    mistake(
        "exponent",
        "A tag that is a power of ten",
        b"hook:\n  image:\n    tag: 1e3\n",
        ("yaml-number", "hook.image.tag", 3, "a tag"),
    ),
    mistake(
        "off",
        "`off`, which is false",
        b"brokers:\n  flush: off\n",
        ("yaml-boolean", "brokers.flush", 2, "Asynchronous"),
    ),
    mistake(
        "no",
        "`no`, the country",
        b"brokers:\n  clusterName: no\n",
        ("yaml-boolean", "brokers.clusterName", 2, "letters, digits"),
    ),
    mistake(
        "yes",
        "`yes` as a label",
        b"commonLabels:\n  critical: yes\n",
        (
            "yaml-boolean",
            "commonLabels.critical",
            2,
            "at most 63 letters",
        ),
    ),
    mistake(
        "on-as-key",
        "`on` as a key",
        b"on: true\n",
        ("yaml-boolean", "true", 1, "brokers"),
    ),
    mistake(
        "number-as-label",
        "A number as a label",
        b"commonLabels:\n  build: 0042\n",
        ("yaml-number", "commonLabels.build", 2, "at most 63 letters"),
    ),
    mistake(
        "leading-zero",
        "A number with a leading zero",
        b"brokers:\n  groups: 010\n",
        (
            "yaml-number",
            "brokers.groups",
            2,
            "numbers that all readers of YAML read alike",
        ),
    )
    .taken_by_helm("Helm takes it for 8, other readers for 10."),
    mistake(
        "octal",
        "An octal number",
        b"brokers:\n  groups: 0o10\n",
        (
            "yaml-number",
            "brokers.groups",
            2,
            "numbers that all readers of YAML read alike",
        ),
    )
    .taken_by_helm("Helm takes it for 8, readers of YAML 1.1 for text."),
    mistake(
        "underscores",
        "A number with an underscore",
        b"brokers:\n  commitLogFileMegabytes: 1_024\n",
        (
            "yaml-number",
            "brokers.commitLogFileMegabytes",
            2,
            "numbers that all readers of YAML read alike",
        ),
    )
    .taken_by_helm("Helm takes it for 1024, readers of YAML 1.2 for text."),
    mistake(
        "minutes-and-seconds",
        "Minutes and seconds where seconds are wanted",
        b"brokers:\n  clientRouteRefreshSeconds: 1:30\n",
        (
            "yaml-sexagesimal",
            "brokers.clientRouteRefreshSeconds",
            2,
            "1 to 600",
        ),
    ),
    mistake(
        "null",
        "A field that is set to nothing",
        b"brokers:\n  groups: null\n",
        ("yaml-null", "brokers.groups", 2, "1 to 32"),
    ),
    mistake(
        "empty-group",
        "A group with nothing in it",
        b"brokers:\n  # groups: 3\nnameServers:\n  count: 3\n",
        ("yaml-null", "brokers", 1, "a mapping"),
    ),
    mistake(
        "key-twice",
        "A key twice",
        b"brokers:\n  groups: 3\n  replicasPerGroup: 2\n  groups: 4\n",
        ("yaml-duplicate-key", "brokers.groups", 4, "each key once"),
    )
    .taken_by_helm("Helm takes the last one and says nothing."),
    mistake(
        "group-twice",
        "A group twice, so that its first fields are lost",
        b"brokers:\n  groups: 3\nnameServers:\n  count: 3\nbrokers:\n  flush: Synchronous\n",
        ("yaml-duplicate-key", "brokers", 5, "each key once"),
    )
    .taken_by_helm("Helm takes the last one and says nothing: there would be two groups."),
    mistake(
        "two-documents",
        "Two documents in a file",
        b"brokers:\n  groups: 3\n---\nnameServers:\n  count: 3\n",
        ("yaml-documents", "", 3, "one document"),
    )
    .taken_by_helm("Helm 3 reads only the first document, Helm 4 both."),
    mistake(
        "not-a-number",
        "A number that is none",
        b"brokers:\n  heapMegabytes: .nan\n",
        ("yaml-number", "brokers.heapMegabytes", 2, "finite numbers"),
    ),
];

const FILES: &[Mistake] = &[
    mistake(
        "tabs",
        "Tabs as indentation",
        b"brokers:\n\tgroups: 3\n\treplicasPerGroup: 2\n",
        ("yaml-tab", "", 2, "spaces"),
    ),
    mistake(
        "uneven-indentation",
        "A line is indented by one space too many",
        b"brokers:\n  groups: 3\n   replicasPerGroup: 2\n",
        ("yaml-syntax", "", 3, "YAML"),
    ),
    mistake(
        "open-bracket",
        "A bracket is not closed",
        b"nameServers:\n  addresses: [\"a:9876\"\nbrokers:\n  groups: 3\n",
        ("yaml-syntax", "", 3, "YAML"),
    ),
    mistake(
        "open-quote",
        "A quote is not closed",
        b"brokers:\n  clusterName: \"orders\n  groups: 3\n",
        ("yaml-syntax", "", 2, "YAML"),
    ),
    mistake(
        "at-sign",
        "A word that begins with @",
        b"brokers:\n  clusterName: @orders\n",
        ("yaml-syntax", "", 2, "YAML"),
    ),
    mistake(
        "template-in-values",
        "A template in the values",
        b"brokers:\n  clusterName: {{ .Release.Name }}\n",
        ("yaml-key", "brokers.clusterName", 2, "names as keys"),
    ),
    mistake(
        "unknown-alias",
        "An alias without its anchor",
        b"brokers:\n  image: *image\n",
        ("yaml-syntax", "", 2, "YAML"),
    ),
    mistake(
        "merge-of-text",
        "A merge key with text",
        b"brokers:\n  <<: groups\n",
        ("yaml-syntax", "brokers", 2, "a mapping"),
    ),
    mistake(
        "list-at-root",
        "A list as the file",
        b"- brokers:\n    groups: 3\n",
        ("yaml-document", "", 1, "a mapping of fields"),
    ),
    mistake(
        "text-at-root",
        "Text as the file",
        b"brokers.groups=3\n",
        ("yaml-document", "", 1, "a mapping of fields"),
    ),
    mistake(
        "latin-1",
        "A file that is not in UTF-8",
        b"# caf\xe9\nbrokers:\n  groups: 3\n",
        ("yaml-encoding", "", 1, "UTF-8"),
    ),
    mistake(
        "utf-16",
        "A file in UTF-16",
        b"\xff\xfeb\x00:\x00 \x001\x00",
        ("yaml-encoding", "", 1, "UTF-8"),
    ),
];

const PAIRS: &[Mistake] = &[
    mistake(
        "nothing-installed",
        "Neither brokers nor name servers",
        b"brokers:\n  enabled: false\nnameServers:\n  source: Addresses\n  addresses: [\"a:9876\"]\n",
        ("something-is-installed", "brokers.enabled", 2, "name servers, brokers or both"),
    ),
    mistake(
        "addresses-without-any",
        "Name servers by their addresses, and no address",
        b"nameServers:\n  source: Addresses\n",
        ("required", "nameServers.addresses", 2, "a value, while nameServers.source == Addresses"),
    ),
    mistake(
        "release-without-name",
        "Name servers of another release, which is not named",
        b"nameServers:\n  source: Release\n",
        ("required", "nameServers.release.name", 2, "a value, while nameServers.source == Release"),
    ),
    mistake(
        "address-twice-in-capitals",
        "The same address twice, once in capitals",
        b"nameServers:\n  source: Addresses\n  addresses:\n    - a:9876\n    - A:9876\n",
        ("addresses-are-distinct", "nameServers.addresses[1]", 5, "each name server once"),
    ),
    mistake(
        "heap-above-limit",
        "A heap that does not fit",
        b"brokers:\n  heapMegabytes: 4096\n  resources:\n    limits:\n      memory: 4Gi\n",
        ("broker-memory-fits", "brokers.heapMegabytes", 2, "at most the memory limit"),
    ),
    mistake(
        "limit-below-heap",
        "A memory limit that is too small",
        b"nameServers:\n  resources:\n    requests: {memory: 64Mi}\n    limits: {memory: 128Mi}\n",
        ("name-server-heap-fits", "nameServers.resources.limits.memory", 4, "a heap of at least 32 MB"),
    ),
    mistake(
        "request-above-limit",
        "A request above its limit",
        b"brokers:\n  resources:\n    requests:\n      memory: 4Gi\n",
        ("requests-are-within-limits", "brokers.resources.requests.memory", 4, "at most the limit"),
    ),
    mistake(
        "host-path-without-directory",
        "HostPath without a directory",
        b"brokers:\n  storage:\n    mode: HostPath\n",
        ("required", "brokers.storage.hostPath", 3, "brokers.storage.mode == HostPath"),
    ),
    mistake(
        "volumes-kept-unlike",
        "Volumes that are kept in one case only",
        b"brokers:\n  storage:\n    onUninstall: Delete\n",
        ("broker-volumes-are-kept-alike", "brokers.storage.onScaleIn", 3, "the same as brokers.storage.onUninstall"),
    ),
    mistake(
        "volume-too-small",
        "A volume that is too small for the commit log",
        b"brokers:\n  storage:\n    size: 4Gi\n",
        ("commit-log-fits-volume", "brokers.commitLogFileMegabytes", 3, "at most a fifth"),
    ),
    mistake(
        "synchronous-without-replicas",
        "Synchronous replication without replicas",
        b"brokers:\n  replication: Synchronous\n  replicasPerGroup: 0\n",
        ("synchronous-replication-has-replicas", "brokers.replication", 2, "at least one replica"),
    ),
    mistake(
        "grace-period-too-short",
        "A grace period that ends before the drain",
        b"brokers:\n  pod:\n    terminationGracePeriodSeconds: 30\n",
        ("grace-period-covers-drain", "brokers.pod.terminationGracePeriodSeconds", 3, "0, or at least"),
    ),
    mistake(
        "deadline-too-short",
        "A deadline that ends before the work",
        b"brokers:\n  groups: 10\nhook:\n  deadlineSeconds: 3600\n",
        ("deadline-covers-estimate", "hook.deadlineSeconds", 4, "0, or at least"),
    ),
    mistake(
        "owned-proxy-configuration",
        "A key of the proxy's configuration that the chart sets",
        b"proxy:\n  enabled: true\n  configuration:\n    grpcServerPort: 80\n",
        ("proxy-configuration-is-not-owned", "proxy.configuration.grpcServerPort", 4, "neither sets itself"),
    ),
    mistake(
        "proxy-heap-above-limit",
        "A proxy's heap that does not fit",
        b"proxy:\n  enabled: true\n  heapMegabytes: 900\n",
        ("proxy-memory-fits", "proxy.heapMegabytes", 3, "at most the memory limit"),
    ),
    mistake(
        "console-heap-above-limit",
        "A console's heap that does not fit",
        b"console:\n  enabled: true\n  usersSecretName: people\n  heapMegabytes: 700\n",
        ("console-memory-fits", "console.heapMegabytes", 4, "at most the memory limit"),
    ),
    mistake(
        "proxy-of-version-4",
        "Proxies before brokers of version 4",
        b"proxy:\n  enabled: true\nbrokers:\n  image:\n    tag: \"4.9.7\"\n",
        ("proxy-serves-brokers-of-version-5", "brokers.image.tag", 5, "version 5.0 or newer"),
    ),
    mistake(
        "proxy-grace-period-too-short",
        "A grace period that ends before a proxy has",
        b"proxy:\n  enabled: true\n  pod:\n    terminationGracePeriodSeconds: 30\n",
        ("proxy-grace-period-covers-its-stop", "proxy.pod.terminationGracePeriodSeconds", 4, "at least 60"),
    ),
    mistake(
        "node-port-of-no-node",
        "A node port that nodes do not have",
        b"proxy:\n  enabled: true\n  service:\n    type: NodePort\n    grpcNodePort: 8081\n",
        ("node-port-is-one", "proxy.service.grpcNodePort", 5, "from 30000"),
    ),
    mistake(
        "node-ports-beyond-the-last",
        "Node ports of brokers that nodes do not have",
        b"outside:\n  nodePorts: true\n  firstNodePort: 32740\n",
        ("node-ports-reach-the-last-broker", "outside.firstNodePort", 3, "at most 32767"),
    ),
    mistake(
        "node-port-of-a-broker",
        "A node port of proxies that a broker has",
        b"outside:\n  nodePorts: true\nproxy:\n  enabled: true\n  service:\n    type: NodePort\n    grpcNodePort: 30004\n",
        ("node-ports-are-not-taken", "proxy.service.grpcNodePort", 7, "outside of those"),
    ),
    mistake(
        "metrics-of-version-4",
        "Metrics of brokers that have none",
        b"metrics:\n  enabled: true\nbrokers:\n  image:\n    tag: \"4.9.7\"\n",
        ("metrics-are-of-version-5-1", "brokers.image.tag", 5, "version 5.1 or newer"),
    ),
    mistake(
        "metrics-set-twice",
        "Metrics by a field and by a key",
        b"metrics:\n  enabled: true\nbrokers:\n  configuration:\n    metricsExporterType: LOG\n",
        ("metrics-are-set-once", "brokers.configuration.metricsExporterType", 5, "no keys of metrics"),
    ),
    mistake(
        "owned-configuration",
        "A key of the broker's configuration that the chart sets",
        b"brokers:\n  configuration:\n    namesrvAddr: a:9876\n",
        ("configuration-is-not-owned", "brokers.configuration.namesrvAddr", 3, "keys that the chart does not set"),
    ),
    mistake(
        "access-control",
        "Access control by a key, not by its fields",
        b"brokers:\n  configuration:\n    aclEnable: true\n",
        ("access-control-is-set-once", "brokers.configuration.aclEnable", 3, "fields of its own"),
    ),
    mistake(
        "access-control-without-a-secret",
        "Access control without the keys of an administrator",
        b"accessControl:\n  enforced: true\n",
        ("access-control-has-credentials", "accessControl.secretName", 2, "a Secret"),
    ),
    mistake(
        "access-control-of-version-5-2",
        "Access control of brokers that are too old for it",
        b"accessControl:\n  secretName: administrator\nbrokers:\n  image:\n    tag: 5.2.0\n",
        ("access-control-is-of-version-4-or-5-3-3", "brokers.image.tag", 5, "version 5.3.3 or newer"),
    ),
    mistake(
        "access-control-with-replicas-of-version-4",
        "Access control of version 4 with replicas, which do not sign",
        b"accessControl:\n  secretName: administrator\nnameServers:\n  image:\n    tag: 4.9.7\nbrokers:\n  image:\n    tag: 4.9.7\n  replicasPerGroup: 1\n",
        ("access-control-of-version-4-has-no-replicas", "brokers.replicasPerGroup", 9, "do not sign"),
    ),
    mistake(
        "tls-without-a-secret",
        "TLS without a certificate",
        b"tls:\n  enforced: true\n",
        ("tls-has-certificates", "tls.secretName", 2, "a Secret"),
    ),
    mistake(
        "even-controllers",
        "An even number of controllers",
        b"controllers:\n  enabled: true\n  count: 4\n",
        ("controllers-are-odd", "controllers.count", 3, "an odd number"),
    ),
    mistake(
        "controllers-without-replicas",
        "Controllers with nobody to elect",
        b"controllers:\n  enabled: true\nbrokers:\n  replicasPerGroup: 0\n",
        ("controllers-have-somebody-to-elect", "controllers.enabled", 2, "at least one replica per group"),
    ),
    mistake(
        "controllers-of-version-4",
        "Controllers for brokers that know none",
        b"controllers:\n  enabled: true\nbrokers:\n  image:\n    tag: 4.9.7\n",
        ("controllers-are-of-version-5-2", "brokers.image.tag", 5, "version 5.2.0 or newer"),
    ),
    mistake(
        "elected-without-a-volume",
        "Elected brokers that forget who they are",
        b"controllers:\n  enabled: true\nbrokers:\n  storage:\n    mode: EmptyDir\n",
        ("elected-brokers-keep-their-identity", "brokers.storage.mode", 5, "StorageClass or HostPath"),
    ),
    mistake(
        "controllers-that-go-alone",
        "Controllers whose volumes go while those of brokers stay",
        b"controllers:\n  enabled: true\n  storage:\n    onUninstall: Delete\n",
        ("controllers-are-kept-like-brokers", "controllers.storage.onUninstall", 4, "the same as brokers"),
    ),
    mistake(
        "controller-heap",
        "A heap of controllers that their memory does not hold",
        b"controllers:\n  enabled: true\n  heapMegabytes: 500\n",
        ("controller-memory-fits", "controllers.heapMegabytes", 3, "at most the memory limit less 96 MB"),
    ),
    mistake(
        "owned-label",
        "A label that the chart sets",
        b"commonLabels:\n  app.kubernetes.io/name: orders\n",
        ("labels-are-not-owned", "commonLabels.app.kubernetes.io/name", 2, "keys outside"),
    ),
    mistake(
        "hook-annotation",
        "An annotation that makes a hook",
        b"commonAnnotations:\n  helm.sh/hook: pre-install\n",
        ("annotations-are-not-hooks", "commonAnnotations.helm.sh/hook", 2, "keys that do not begin"),
    ),
    mistake(
        "variable-twice",
        "An environment variable twice",
        b"brokers:\n  pod:\n    env:\n      - {name: TZ, value: UTC}\n      - {name: TZ, value: CET}\n",
        ("environment-is-distinct", "brokers.pod.env[1]", 5, "each name once"),
    ),
    mistake(
        "mount-without-volume",
        "A mount of a volume that is not there",
        b"brokers:\n  pod:\n    volumeMounts:\n      - name: extra\n        mountPath: /extra\n",
        ("mounted-volumes-exist", "brokers.pod.volumeMounts[0]", 4, "one of the pod's additional volumes"),
    ),
    mistake(
        "release-that-makes-no-services",
        "A release whose name begins with a digit",
        b"",
        ("release-name-makes-services", "Release.Name", 0, "beginning with a letter"),
    )
    .in_release("1-orders"),
];

/// Every mistake.
pub fn all() -> impl Iterator<Item = &'static Mistake> {
    MISTAKES.iter().flat_map(|(_, mistakes)| *mistakes)
}

/// What one version of Helm says about a mistake.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Answer {
    /// Whether it would install the chart with these values.
    pub is_taken: bool,
    /// Its words.
    pub words: String,
}

/// What Helm 3 and Helm 4 say about each mistake.
pub type Answers = BTreeMap<String, [Answer; 2]>;

/// The file of Helm's answers: the tests with Helm write it, the others read it.
pub const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue/helm.json");

/// Helm's answers as they were last written.
pub fn answers() -> Answers {
    let text = std::fs::read_to_string(ANSWERS).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).unwrap()
}

/// Compares a file with what it should hold; with `MIDSHIPS_UPDATE=1` in the environment, writes it instead.
pub fn is_current(path: &str, wanted: &str) {
    if std::env::var("MIDSHIPS_UPDATE").is_ok_and(|value| value == "1") {
        std::fs::write(path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "{path} is not current; set MIDSHIPS_UPDATE=1, run this test again and look at the difference"
    );
}
