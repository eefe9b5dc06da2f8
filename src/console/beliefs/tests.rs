//! Layouts and lists without a terminal.

use super::graph::drawn;
use super::rows::{self, Filter, Sort};
use super::signs::Signs;
use super::{Loaded, request};
use crate::base::PersonaId;
use crate::console::text::Piece;
use crate::console::theme::Glyphs;
use crate::memory::beliefs::NewBelief;
use crate::memory::edges::{Edge, Relation};
use crate::memory::graph::{Neighbour, Neighbourhood};
use crate::memory::{self, Author, Trigger};
use crate::store::audit::Actor;
use proptest::prelude::*;

fn signs() -> Signs {
    Signs::of(&Glyphs::UNICODE)
}

fn node(id: &str, confidence: f64, hops: u32, degree: u32) -> Neighbour {
    Neighbour { id: id.into(), title: format!("Belief {id}"), confidence: Some(confidence), locked: false, degree, centrality: 1.0, hops }
}

fn edge(source: &str, relation: Relation, target: &str, weight: f64) -> Edge {
    Edge { id: format!("{source}{target}"), source_id: source.into(), target_id: target.into(), relation, weight, created_at: 0 }
}

fn pictured(around: &Neighbourhood, width: usize) -> Vec<(String, Option<String>)> {
    let center = vec![(vec![Piece::new(crate::console::theme::Role::Text, "[middle]")], Some("m".to_owned()))];
    let rows = drawn(around, center, signs(), width);
    rows.into_iter().map(|(pieces, id)| (pieces.iter().map(Piece::text).collect(), id)).collect()
}

#[test]
fn what_leads_to_a_belief_stands_above_it_and_what_it_leads_to_below() {
    let around = Neighbourhood {
        center: "m".into(),
        nodes: vec![node("m", 0.9, 0, 3), node("a", 0.8, 1, 2), node("b", 0.9, 1, 1), node("c", 0.4, 1, 4), node("d", 0.2, 2, 2)],
        edges: vec![
            edge("a", Relation::Supports, "m", 0.7),
            edge("m", Relation::Contradicts, "b", 0.5),
            edge("m", Relation::DependsOn, "c", 0.6),
            edge("d", Relation::EvidenceFor, "c", 0.9),
            edge("d", Relation::Contradicts, "a", 0.3),
        ],
        left_out: 0,
    };
    let rows = pictured(&around, 78);
    let ids: Vec<&str> = rows.iter().filter_map(|(_, id)| id.as_deref()).collect();
    assert_eq!(ids, ["a", "m", "b", "c", "d"], "{rows:#?}");
    assert!(rows[0].0.contains("┌──◀─── supports   0.70") || rows[0].0.contains("┌─────▶"), "{rows:#?}");
    assert!(rows[0].0.contains("◀─── supports"), "an edge to the middle has its arrow there: {rows:#?}");
    assert!(rows[2].0.contains("─✗─▶ contradicts") && rows[2].0.contains("both held high"), "{rows:#?}");
    assert!(rows[3].0.contains("┄┄┄▶ depends on") && rows[3].0.contains(" +2"), "two edges lead out of what is drawn: {rows:#?}");
    assert!(rows[4].0.contains("◀═══ evidence") && rows[4].0.contains("─✗─▶ Belief a"), "{rows:#?}");
}

#[test]
fn each_relation_has_a_shape_of_its_own_on_every_terminal() {
    for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
        let signs = Signs::of(&glyphs);
        let mut strokes: Vec<&str> =
            Relation::ALL.iter().flat_map(|relation| [true, false].map(|away| signs.edge(*relation, away))).collect();
        strokes.sort_unstable();
        strokes.dedup();
        assert_eq!(strokes.len(), 8, "{strokes:?}");
        for text in strokes {
            assert_eq!(unicode_width::UnicodeWidthStr::width(text), 4, "{text}");
        }
    }
    let plain = Signs::of(&Glyphs::ASCII);
    assert!(plain.bar(Some(0.5), 8).is_ascii() && plain.sparkline(&[0.0, 0.5, 1.0]).is_ascii());
    assert_eq!(signs().sparkline(&[0.0, 0.5, 1.0]), "▁▅█");
    assert_eq!((signs().bar(Some(0.5), 4), signs().bar(Some(1.0), 4), signs().bar(None, 4)), ("██··".into(), "████".into(), "....".into()));
    assert_eq!(signs().moved(Some(-4.25), "").1, "▼  -4.2pp");
}

proptest! {
    #[test]
    fn bars_and_sparklines_have_their_width_whatever_the_value(value in any::<f64>(), width in 1_usize..20) {
        for signs in [signs(), Signs::of(&Glyphs::ASCII)] {
            prop_assert_eq!(unicode_width::UnicodeWidthStr::width(signs.bar(Some(value), width).as_str()), width);
            prop_assert_eq!(signs.sparkline(&[value]).chars().count(), 1);
        }
    }

    #[test]
    fn any_graph_is_drawn_with_each_belief_once(
        edges in proptest::collection::vec((0_usize..12, 0_usize..12, 0_usize..4, 0.0_f64..1.0), 0..40),
        hops in proptest::collection::vec(1_u32..4, 11),
    ) {
        let nodes: Vec<Neighbour> =
            (0..12).map(|number| node(&number.to_string(), 0.5, if number == 0 { 0 } else { hops[number - 1] }, 3)).collect();
        let edges: Vec<Edge> = edges
            .iter()
            .map(|(source, target, relation, weight)| edge(&source.to_string(), Relation::ALL[*relation], &target.to_string(), *weight))
            .collect();
        let around = Neighbourhood { center: "0".into(), nodes, edges, left_out: 0 };
        let rows = pictured(&around, 60);
        let mut ids: Vec<String> = rows.iter().filter_map(|(_, id)| id.clone()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), count);
    }
}

fn loaded(beliefs: &[(&'static str, f64, &'static str)], at_odds: Option<(usize, usize)>) -> Loaded {
    let (db, _guard) = crate::store::testing::database();
    let beliefs = beliefs.to_vec();
    let fill = move |c: &mut dyn crate::store::Conn| -> memory::Result<PersonaId> {
        let actor = Actor::human("ana");
        let persona = memory::personas::add(c, "RiverBot", None, &memory::PersonaConfig::default(), &Author::new(&actor, 1))?.id;
        let mut ids = Vec::new();
        for (number, (title, confidence, tags)) in beliefs.iter().enumerate() {
            let tags: Vec<String> = tags.split(' ').map(str::to_owned).collect();
            let new = NewBelief { title, summary: "words", confidence: *confidence, tags: &tags, stance: "I hold it", rationale: "so" };
            ids.push(memory::beliefs::create(c, &persona, &new, Trigger::Manual, &Author::new(&actor, 1_000 + number as i64))?.id);
        }
        if let Some((one, other)) = at_odds {
            memory::edges::add(c, &persona, &ids[one], &ids[other], Relation::Contradicts, 1.0, &Author::new(&actor, 2_000))?;
        }
        Ok(persona)
    };
    let persona = db.write_blocking(fill).unwrap();
    let read = move |c: &mut dyn crate::store::Conn| request::load(c, &persona, None, None, 5_000);
    let loaded = *db.read_blocking(read).unwrap().unwrap();
    Loaded { contradictions: loaded.graph.contradictions(), ..loaded }
}

#[test]
fn what_cannot_both_be_right_is_found() {
    let loaded = loaded(&[("Rivers rise", 0.9, "a"), ("Rivers fall", 0.85, "a"), ("Cities grow", 0.9, "b")], Some((0, 1)));
    let shown = rows::listed(&loaded, &Filter::parse("is:odds").unwrap(), Sort::Title, false, false);
    let titles: Vec<&str> = shown.iter().map(|number| loaded.graph.rows()[*number].title.as_str()).collect();
    assert_eq!(titles, ["Rivers fall", "Rivers rise"]);
}

#[test]
fn rows_are_filtered_by_words_tags_and_confidence_and_ordered_either_way() {
    let loaded = loaded(&[("Rivers rise", 0.9, "water science"), ("lakes freeze", 0.3, "water ice"), ("Cities grow", 0.6, "people")], None);
    let titles = |filter: &str, sort, is_reversed| -> Vec<String> {
        let shown = rows::listed(&loaded, &Filter::parse(filter).unwrap(), sort, is_reversed, false);
        shown.iter().map(|number| loaded.graph.rows()[*number].title.clone()).collect()
    };
    assert_eq!(titles("", Sort::Confidence, false), ["Rivers rise", "Cities grow", "lakes freeze"]);
    assert_eq!(titles("", Sort::Confidence, true), ["lakes freeze", "Cities grow", "Rivers rise"]);
    assert_eq!(titles("", Sort::Title, false), ["Cities grow", "lakes freeze", "Rivers rise"], "capitals do not count");
    assert_eq!(titles("", Sort::Change, false), ["Cities grow", "lakes freeze", "Rivers rise"]);
    assert_eq!(titles("tag:wat", Sort::Confidence, false), ["Rivers rise", "lakes freeze"]);
    assert_eq!(titles("RISE", Sort::Confidence, false), ["Rivers rise"]);
    assert_eq!(titles("confidence>0.5 confidence<70%", Sort::Confidence, false), ["Cities grow"]);
    assert_eq!(titles("is:alone ice", Sort::Confidence, false), ["lakes freeze"]);
    assert!(titles("is:locked", Sort::Confidence, false).is_empty());
    // While a word is being typed it takes nothing away.
    assert_eq!(titles("tag: is: confidence>", Sort::Confidence, false).len(), 3);
    assert!(Filter::parse("is:blue").unwrap_err().contains("locked, free"));
    assert!(Filter::parse("confidence>much").unwrap_err().contains("confidence>0.8"));
    assert!(Filter::parse("confidence>NaN").is_err() && Filter::parse("confidence<-1").is_err());
}
