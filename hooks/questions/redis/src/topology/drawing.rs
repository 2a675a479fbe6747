//! Servers as a graph in the language of Graphviz.

use crate::figures;
use crate::topology::{Part, Server, State, Topology};

/// The graph, with one line for each node and each edge.
pub(super) fn graph(topology: &Topology) -> String {
    let mut text =
        "digraph topology {\n  rankdir=BT;\n  node [fontname=\"monospace\"];\n".to_owned();
    for server in &topology.servers {
        let color = match server.state {
            State::Well => "black",
            State::Loading | State::Suspected => "orange",
            State::Failed | State::Silent => "red",
        };
        let line = format!(
            "  {} [shape={}, color={color}, label={}];\n",
            quoted(&server.address),
            if server.part == Part::Master {
                "box"
            } else {
                "ellipse"
            },
            quoted(&label(server)),
        );
        text.push_str(&line);
    }
    for server in &topology.servers {
        if let Some(master) = &server.master {
            let style = match server.is_linked {
                Some(true) => "solid",
                _ => "dashed",
            };
            let label = server
                .behind_bytes
                .filter(|bytes| *bytes > 0)
                .map(figures::bytes);
            text.push_str(&edge(
                &server.address,
                master,
                style,
                &label.unwrap_or_default(),
            ));
        }
    }
    for sentinel in &topology.sentinels {
        let color = if sentinel.is_answering {
            "black"
        } else {
            "red"
        };
        let name = quoted(&sentinel.address);
        let label = quoted(&format!("{}\nSentinel", sentinel.address));
        let line = format!("  {name} [shape=diamond, color={color}, label={label}];\n");
        text.push_str(&line);
        for set in &sentinel.sets {
            if let Some(master) = &set.master {
                text.push_str(&edge(&sentinel.address, master, "dotted", &set.name));
            }
        }
    }
    text.push_str("}\n");
    text
}

fn edge(from: &str, to: &str, style: &str, label: &str) -> String {
    let (from, to, label) = (quoted(from), quoted(to), quoted(label));
    format!("  {from} -> {to} [style={style}, label={label}];\n")
}

fn label(server: &Server) -> String {
    let mut lines = vec![server.address.clone(), server.part.word().to_owned()];
    if server.state != State::Well {
        lines.push(server.state.word().to_owned());
    }
    if let Some(slots) = server.slot_count {
        lines.push(format!("{slots} slots"));
    }
    if let Some(keys) = server.keys {
        lines.push(format!("{keys} keys"));
    }
    lines.join("\n")
}

/// A text as the language takes it, whatever is in it.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_end_its_label() {
        assert_eq!(quoted("a\"]; b\\\nc"), r#""a\"]; b\\\nc""#);
    }
}
