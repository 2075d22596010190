"""What documents say as a graph: things as nodes, relations as edges; GraphML and JSON-LD."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx

from spanbert.text.files import atomic_write
from spanbert.workflows.extraction.extract import Extraction

VOCABULARY = {
    "name": "http://schema.org/name",
    "kind": "http://schema.org/additionalType",
    "file": {"@id": "http://schema.org/isPartOf", "@type": "@id"},
    "mentions": "urn:spanbert:mentions",
    "probability": "urn:spanbert:probability",
    "relations": {"@id": "urn:spanbert:relation", "@container": "@set"},
    "relation": "urn:spanbert:relationName",
    "to": {"@id": "urn:spanbert:object", "@type": "@id"},
}
"""The JSON-LD context: what each key of a node means."""
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write: controls, surrogates, U+FFFE and U+FFFF."""


@dataclass
class Node:
    """One thing that a document speaks of.

    Args:
        id: unique over all documents.
        name: best name of its cluster, else the entity's words.
        kind: commonest type of its entities; empty for a cluster without one.
        file: document.
        mentions: how often it is mentioned.
    """

    id: str
    name: str
    kind: str
    file: str
    mentions: int
    kinds: Counter[str] = field(default_factory=Counter, repr=False)


@dataclass(frozen=True)
class Edge:
    """A relation between two things, found once or several times."""

    subject: str
    object: str
    relation: str
    probability: float
    """Of its likeliest occurrence."""
    count: int


def knowledge_graph(extractions: Iterable[Extraction]) -> tuple[list[Node], list[Edge]]:
    """Nodes and edges of several documents.

    A node is a cluster, or the entities outside of clusters that have the same words and type in one
    document. Nodes of different documents are never merged: the same name may mean another there.
    """
    nodes: dict[str, Node] = {}
    best: dict[tuple[str, str, str], tuple[float, int]] = {}
    for number, made in enumerate(extractions):
        file = str(made.document.path)
        for place, cluster in enumerate(made.clusters):
            name = f"d{number}c{place}"
            nodes[name] = Node(name, cluster.name, "", file, len(cluster.mentions))
        ids = []
        alone: dict[tuple[str, str], str] = {}
        for entity in made.entities:
            if entity.cluster is not None:
                node = nodes[f"d{number}c{entity.cluster}"]
            else:
                key = (" ".join(entity.text.casefold().split()), entity.type)
                name = alone.setdefault(key, f"d{number}e{len(alone)}")
                node = nodes.setdefault(name, Node(name, entity.text, "", file, 0))
                node.mentions += 1
            node.kinds[entity.type] += 1
            node.kind = node.kinds.most_common(1)[0][0]
            ids.append(node.id)
        for relation in made.relations:
            edge = (ids[relation.subject], ids[relation.object], relation.relation)
            highest, count = best.get(edge, (0.0, 0))
            best[edge] = (max(highest, relation.probability), count + 1)
    edges = [Edge(*key, probability, count) for key, (probability, count) in best.items()]
    return list(nodes.values()), edges


def write_graphml(nodes: Iterable[Node], edges: Iterable[Edge], path: Path) -> None:
    """GraphML, as Gephi, Cytoscape, yEd and networkx read it.

    Characters that XML cannot hold, as the form feed between pages, are written as spaces.

    Raises:
        SpanbertError: the file cannot be written.
    """
    graph = networkx.MultiDiGraph()
    for node in nodes:
        graph.add_node(
            node.id,
            label=_xml_text(node.name),
            kind=_xml_text(node.kind),
            file=_xml_text(node.file),
            mentions=node.mentions,
        )
    for edge in edges:
        graph.add_edge(
            edge.subject,
            edge.object,
            label=_xml_text(edge.relation),
            probability=round(edge.probability, 6),
            count=edge.count,
        )
    with atomic_write(path) as stream:
        networkx.write_graphml(graph, stream.buffer)


def _xml_text(text: str) -> str:
    return NO_XML.sub(" ", text)


def json_ld(nodes: Iterable[Node], edges: Iterable[Edge]) -> dict[str, Any]:
    """JSON-LD 1.1: one object a node, its relations inside."""
    relations: dict[str, list[dict[str, Any]]] = {}
    for edge in edges:
        relations.setdefault(edge.subject, []).append(
            {
                "relation": edge.relation,
                "to": f"urn:spanbert:{edge.object}",
                "probability": round(edge.probability, 6),
            }
        )
    listed = [
        {
            "@id": f"urn:spanbert:{node.id}",
            "name": node.name,
            **({"kind": node.kind} if node.kind else {}),
            "file": Path(node.file).absolute().as_uri(),
            "mentions": node.mentions,
            "relations": relations.get(node.id, []),
        }
        for node in nodes
    ]
    return {"@context": VOCABULARY, "@graph": listed}
