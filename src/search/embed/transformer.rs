//! A sentence-transformer of the BERT family from a folder, run on the processor by `candle` (cargo feature `candle`).
//!
//! Some hundred texts a second in place of a hundred thousand, and better vectors. Work runs on a thread of its own.

use super::error::{Error, Result};
use super::wordpiece::WordPieces;
use super::{Model, text};
use crate::base::sha256_hex;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Texts that go through the network together.
const AT_ONCE: usize = 16;
/// Word pieces of a text when the folder does not say.
const LONGEST: usize = 256;

/// A transformer. Clones share the weights.
#[derive(Debug, Clone)]
pub struct Transformer(Arc<Inner>);

struct Inner {
    model: Model,
    network: BertModel,
    words: WordPieces,
    /// Numbers of `[CLS]`, `[SEP]` and `[UNK]`.
    marks: [u32; 3],
    /// Word pieces of a text, with the two marks around it.
    longest: usize,
    /// The vector of the first mark in place of the mean of all.
    takes_first: bool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Inner").field("model", &self.model).field("longest", &self.longest).finish_non_exhaustive()
    }
}

impl Transformer {
    /// Load `config.json`, `tokenizer.json`, `model.safetensors` and, where they exist, the files that say how to pool.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let refused = |reason: String| Error::Model { place: folder.display().to_string(), reason };
        let read = |name: &str| std::fs::read(folder.join(name)).map_err(|error| refused(format!("{name} cannot be read: {error}")));
        // These are optional; one that is there and broken is not.
        let optional = |name: &str| match std::fs::read(folder.join(name)) {
            Ok(bytes) => serde_json::from_slice::<Value>(&bytes).map_err(|error| refused(format!("{name} is not understood: {error}"))),
            Err(_) => Ok(Value::Null),
        };
        let (config, json, weights) = (read("config.json")?, read("tokenizer.json")?, read("model.safetensors")?);
        let config: Config = serde_json::from_slice(&config).map_err(|error| refused(format!("config.json is not understood: {error}")))?;
        let words = std::str::from_utf8(&json).map_err(|_| refused("tokenizer.json is not UTF-8".to_owned()))?;
        let words = WordPieces::read(words).map_err(refused)?;
        if words.size() > config.vocab_size {
            return Err(refused(format!("it knows {} word pieces and has {} to look up", config.vocab_size, words.size())));
        }
        let mark = |name: &str| words.special(name).ok_or_else(|| refused(format!("its vocabulary has no {name}")));
        let unknown = words.unknown().ok_or_else(|| refused("its vocabulary has no mark for unknown words".to_owned()))?;
        let marks = [mark("[CLS]")?, mark("[SEP]")?, unknown];
        let pooling = optional("1_Pooling/config.json")?;
        let says = |key: &str| pooling[key].as_bool().unwrap_or(false);
        let takes_first = says("pooling_mode_cls_token");
        if !pooling.is_null() && !takes_first && !says("pooling_mode_mean_tokens") {
            return Err(refused("it pools in another way than by the mean or the first mark; choose another model".to_owned()));
        }
        let limit = optional("sentence_bert_config.json")?["max_seq_length"].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let longest = limit.unwrap_or(LONGEST).clamp(8, config.max_position_embeddings.max(8));
        let digest = sha256_hex(format!("{}{}", sha256_hex(&weights), sha256_hex(&json)).as_bytes());
        let network = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)
            .and_then(|weights| BertModel::load(weights, &config))
            .map_err(|error| refused(format!("model.safetensors is damaged or of another network: {error}")))?;
        let called = folder.file_name().map_or_else(|| "transformer".to_owned(), |name| name.to_string_lossy().into_owned());
        let name = format!("{}-{}@{}", text::name(&called), config.hidden_size, &digest[..8]);
        let model = Model { name, dimensions: config.hidden_size };
        Ok(Self(Arc::new(Inner { model, network, words, marks, longest, takes_first })))
    }

    pub(super) fn model(&self) -> &Model {
        &self.0.model
    }

    /// Vectors of all texts, on this thread.
    pub(super) fn embed_now(&self, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(AT_ONCE) {
            let pieces: Vec<Option<Vec<u32>>> = batch.iter().map(|text| self.0.pieces(text)).collect();
            let readable: Vec<&[u32]> = pieces.iter().flatten().map(Vec::as_slice).collect();
            let mut found = self.0.run(&readable).map_err(|error| self.0.failed(&error))?.into_iter();
            vectors.extend(pieces.iter().map(|pieces| pieces.as_ref().and_then(|_| text::normalised(found.next()?))));
        }
        Ok(vectors)
    }

    /// The same on a thread of its own: a batch takes longer than other tasks should wait.
    pub(super) async fn embed(&self, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        let own = self.clone();
        let texts: Vec<String> = texts.iter().map(|text| text::cut(text).to_owned()).collect();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let failed = |reason: String| Error::Failed { model: self.0.model.name.clone(), reason };
        let work = move || {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            // Whoever asked may have gone.
            let _ = sender.send(own.embed_now(&texts));
        };
        std::thread::Builder::new().name("embedder".to_owned()).spawn(work).map_err(|error| failed(error.to_string()))?;
        receiver.await.map_err(|_| failed("its thread ended without an answer".to_owned()))?
    }
}

impl Inner {
    /// The pieces of a text between its marks; `None` when the model knows none of its words.
    fn pieces(&self, text: &str) -> Option<Vec<u32>> {
        let [begin, end, unknown] = self.marks;
        let mut pieces = vec![begin];
        let mut knows_any = false;
        self.words.pieces(text::cut(text), |piece| {
            if pieces.len() < self.longest - 1 {
                knows_any |= piece.is_some();
                pieces.push(piece.unwrap_or(unknown));
            }
        });
        pieces.push(end);
        knows_any.then_some(pieces)
    }

    fn run(&self, texts: &[&[u32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let Some(longest) = texts.iter().map(|text| text.len()).max() else { return Ok(Vec::new()) };
        let padded = |fill: &dyn Fn(&u32) -> u32| -> Vec<u32> {
            texts.iter().flat_map(|text| text.iter().map(fill).chain(std::iter::repeat_n(0, longest - text.len()))).collect()
        };
        let shape = (texts.len(), longest);
        let ids = Tensor::from_vec(padded(&|id| *id), shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(padded(&|_| 1), shape, &Device::Cpu)?;
        let hidden = self.network.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        if self.takes_first {
            return hidden.narrow(1, 0, 1)?.squeeze(1)?.to_vec2();
        }
        // The sum over the text's own pieces: its length is taken away afterwards.
        let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        hidden.broadcast_mul(&mask)?.sum(1)?.to_vec2()
    }

    fn failed(&self, error: &candle_core::Error) -> Error {
        Error::Failed { model: self.model.name.clone(), reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_model_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let message = Transformer::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains("config.json cannot be read"), "{message}");
    }

    /// Run with `QUARTERDECK_TEST_TRANSFORMER` set to a folder of all-MiniLM-L6-v2.
    #[test]
    fn a_sentence_transformer_sees_like_meanings() {
        let Some(folder) = std::env::var_os("QUARTERDECK_TEST_TRANSFORMER") else { return };
        let model = Transformer::open(Path::new(&folder)).unwrap();
        let texts =
            ["the database is locked", "sqlite waits for another writer", "tomato leaves turn yellow", "", "👍", &"long ".repeat(5000)];
        let vectors = model.embed_now(&texts).unwrap();
        let near = |left: usize, right: usize| -> f32 {
            let (left, right) = (vectors[left].as_ref().unwrap(), vectors[right].as_ref().unwrap());
            left.iter().zip(right).map(|(left, right)| left * right).sum()
        };
        assert!(near(0, 1) > near(0, 2) + 0.2, "{} {}", near(0, 1), near(0, 2));
        assert!(vectors[3].is_none() && vectors[4].is_none() && vectors[5].is_some());
        // Padding changes nothing.
        let alone = model.embed_now(&texts[..1]).unwrap();
        let (alone, among) = (alone[0].as_ref().unwrap(), vectors[0].as_ref().unwrap());
        assert!(alone.iter().zip(among).all(|(alone, among)| (alone - among).abs() < 1e-4));
    }
}
