//! A linear model of several classes: multinomial logistic regression over words weighed by how rare they are, trained by
//! stochastic gradient descent with a step of its own for each weight (J. Duchi and others, Adaptive subgradient methods,
//! 2011). How sure it is of itself is set right on every fifth text, which it learns without at first (temperature scaling: C. Guo and
//! others, On calibration of modern neural networks, 2017).

use std::collections::{BTreeMap, HashMap};

/// A text as the weights of its words.
type Text = BTreeMap<String, f32>;
/// The same by the places of what is known, the last of which is there in every text.
type Vector = Vec<(usize, f32)>;

/// Times that every text is looked at.
const ROUNDS: usize = 20;
const RATE: f32 = 0.3;
/// How strongly weights are drawn to nothing.
const DECAY: f32 = 0.003;
/// What stands for how common a class is.
const BIAS: f32 = 0.2;
/// Texts are taken with strides, so that those of one class do not come together.
const STRIDES: [usize; 4] = [97, 89, 83, 79];
/// One text of so many is held back to see how sure it may be.
const HELD_BACK: usize = 5;
/// Fewer that are held back tell nothing.
const LEAST_HELD: usize = 20;
/// How sure it is where that is not known: scores are divided by this.
const USUAL: f32 = 0.5;

#[derive(Debug)]
pub(super) struct Linear {
    places: HashMap<String, usize>,
    /// How rare each word is: more for those of few texts.
    rarity: Vec<f32>,
    /// For each place the weights of all classes.
    weights: Vec<f32>,
    classes: usize,
    /// What scores are divided by.
    temperature: f32,
}

impl Linear {
    /// From texts and the class of each, which is below `classes`.
    pub fn learn(texts: &[Text], labels: &[usize], classes: usize) -> Self {
        let all: Vec<_> = texts.iter().zip(labels.iter().copied()).collect();
        let full = Self::train(&all, classes);
        let (held, kept): (Vec<_>, Vec<_>) =
            all.into_iter().enumerate().partition(|(at, _)| at % HELD_BACK == HELD_BACK - 1);
        if held.len() < LEAST_HELD {
            return full;
        }
        let kept: Vec<_> = kept.into_iter().map(|(_, one)| one).collect();
        let without = Self::train(&kept, classes);
        let scores: Vec<_> = held.iter().map(|(_, (text, label))| (without.scores(text), *label)).collect();
        let mut best = (f32::INFINITY, USUAL);
        for step in 0..40 {
            let temperature = 0.05 * 1.15_f32.powi(step);
            let surprise = |(scores, label): &(Vec<f32>, usize)| {
                -softmax(scores.iter().map(|score| score / temperature))
                    .get(*label)
                    .map_or(0.0, |p| p.max(1e-6).ln())
            };
            let loss: f32 = scores.iter().map(surprise).sum();
            if loss < best.0 {
                best = (loss, temperature);
            }
        }
        Self { temperature: best.1, ..full }
    }

    fn train(texts: &[(&Text, usize)], classes: usize) -> Self {
        let mut texts_with: BTreeMap<&str, usize> = BTreeMap::new();
        for (text, _) in texts {
            for word in text.keys() {
                *texts_with.entry(word).or_default() += 1;
            }
        }
        let rare = |with: &usize| ((1 + texts.len()) as f32 / (1 + with) as f32).ln() + 1.0;
        let mut linear = Self {
            rarity: texts_with.values().map(rare).collect(),
            weights: vec![0.0; (texts_with.len() + 1) * classes],
            places: texts_with.keys().enumerate().map(|(at, word)| ((*word).to_owned(), at)).collect(),
            classes,
            temperature: USUAL,
        };
        let vectors: Vec<_> = texts.iter().map(|(text, _)| linear.vector(text)).collect();
        let stride = STRIDES.into_iter().find(|stride| !texts.len().is_multiple_of(*stride)).unwrap_or(1);
        let mut squares = vec![1e-8_f32; linear.weights.len()];
        for round in 0..ROUNDS {
            for turn in 0..texts.len() {
                let at = (turn * stride + round) % texts.len();
                let mut slopes = softmax(linear.raw(&vectors[at]));
                slopes[texts[at].1] -= 1.0;
                for (place, value) in &vectors[at] {
                    let row = place * classes..(place + 1) * classes;
                    let rows = linear.weights[row.clone()].iter_mut().zip(&mut squares[row]);
                    for ((weight, square), slope) in rows.zip(&slopes) {
                        let slope = value * slope + DECAY * *weight;
                        *square += slope * slope;
                        *weight -= RATE * slope / square.sqrt();
                    }
                }
            }
        }
        linear
    }

    /// How likely each class is; `None` where less than so many of its words are known.
    pub fn odds(&self, text: &Text, least: usize) -> Option<Vec<f32>> {
        let known = text.keys().filter(|word| self.places.contains_key(*word)).count();
        let scores = || self.scores(text).into_iter().map(|score| score / self.temperature);
        (known >= least).then(|| softmax(scores()))
    }

    /// By how much each word speaks for a class more than for all of them on average.
    pub fn leaning<'t>(&self, text: &'t Text, class: usize) -> BTreeMap<&'t str, f32> {
        let mut vector = self.vector(text);
        vector.pop();
        let words = text.keys().filter(|word| self.places.contains_key(*word));
        let lean = |(place, value): (usize, f32)| {
            let row = &self.weights[place * self.classes..(place + 1) * self.classes];
            value * (row[class] - row.iter().sum::<f32>() / self.classes as f32)
        };
        words.map(String::as_str).zip(vector.into_iter().map(lean)).collect()
    }

    fn scores(&self, text: &Text) -> Vec<f32> {
        self.raw(&self.vector(text)).collect()
    }

    fn raw(&self, vector: &[(usize, f32)]) -> std::vec::IntoIter<f32> {
        let mut scores = vec![0.0; self.classes];
        for (place, value) in vector {
            let row = &self.weights[place * self.classes..(place + 1) * self.classes];
            for (score, weight) in scores.iter_mut().zip(row) {
                *score += value * weight;
            }
        }
        scores.into_iter()
    }

    /// What is known of a text, as long as every other.
    fn vector(&self, text: &Text) -> Vector {
        let known = text.iter().filter_map(|(word, weight)| {
            let place = *self.places.get(word)?;
            Some((place, weight * self.rarity[place]))
        });
        let mut vector: Vector = known.collect();
        let length = vector.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            for (_, value) in &mut vector {
                *value /= length;
            }
        }
        vector.push((self.rarity.len(), BIAS));
        vector
    }
}

fn softmax(scores: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut odds: Vec<f32> = scores.collect();
    let most = odds.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for score in &mut odds {
        *score = (*score - most).exp();
    }
    let sum: f32 = odds.iter().sum();
    for score in &mut odds {
        *score /= sum;
    }
    odds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &[&str]) -> Text {
        words.iter().map(|word| ((*word).to_owned(), 1.0)).collect()
    }

    #[test]
    fn what_is_told_apart_by_a_word_is_told_apart() {
        let texts =
            [["a", "x"], ["a", "y"], ["a", "z"], ["b", "x"], ["b", "y"], ["b", "z"]].map(|w| text(&w));
        let linear = Linear::learn(&texts, &[0, 0, 0, 1, 1, 1], 2);
        let odds = linear.odds(&text(&["a", "never seen"]), 1).unwrap();
        assert!(odds[0] > 0.5 && (odds.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{odds:?}");
        assert!(linear.odds(&text(&["b"]), 1).unwrap()[1] > 0.5);
        assert_eq!(linear.odds(&text(&["never seen"]), 1), None);
        let words = text(&["a", "x"]);
        let leaning = linear.leaning(&words, 0);
        assert!(leaning["a"] > leaning["x"].abs() && linear.leaning(&words, 1)["a"] < 0.0, "{leaning:?}");
    }
}
