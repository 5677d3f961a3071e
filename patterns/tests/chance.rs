//! Chance: what is thrown at different marks, cycles and seeds knows nothing of one another.

use krach_patterns::{EventBuffer, Pattern, Span, builders::hit, compile, mini};

const CYCLES: i64 = 4096;

/// How many hits each cycle has.
fn hits(pattern: &Pattern, seed: u64) -> Vec<f64> {
    let program = compile(pattern).unwrap();
    let mut out = EventBuffer::with_capacity(64);
    let cycles = (0..CYCLES).map(|cycle| {
        out.clear();
        program.onsets(Span::cycle(cycle), seed, &mut out).unwrap();
        // A hit opens a gate and closes it.
        (out.len() / 2) as f64
    });
    cycles.collect()
}

fn chance(prob: f64, seed: u64, invert: bool) -> Pattern {
    Pattern::Chance { prob, seed, invert, child: Box::new(hit("gate")), span: None }
}

/// Pearson's r.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len());
    let mean = |x: &[f64]| x[..n].iter().sum::<f64>() / n as f64;
    let (p, q) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
    let both = sum(&|i| (a[i] - p) * (b[i] - q));
    both / (sum(&|i| (a[i] - p).powi(2)) * sum(&|i| (b[i] - q).powi(2))).sqrt()
}

/// Of so many independent throws with probability `p`, the chance of each number of hits, times [`CYCLES`].
fn binomial(n: u32, p: f64) -> Vec<f64> {
    let choose = |k: u32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
    let share = |k| choose(k) * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32);
    (0..=n).map(|k| share(k) * CYCLES as f64).collect()
}

/// Pearson's chi-square of the counts against those expected.
fn chi_square(hits: &[f64], expected: &[f64]) -> f64 {
    let count = |k: usize| hits.iter().filter(|&&h| h == k as f64).count() as f64;
    expected.iter().enumerate().map(|(k, want)| (count(k) - want).powi(2) / want).sum()
}

#[test]
fn marks_of_one_line_are_thrown_independently() {
    // With so many degrees of freedom chi-square is above these in one of 10,000 runs of fair coins.
    for (line, marks, limit) in
        [("x? x? x? x?", 4, 23.5), ("x*8?", 8, 31.8), ("x? x? x? x? x? x? x? x?", 8, 31.8)]
    {
        let chi = chi_square(&hits(&mini(line).unwrap(), 0), &binomial(marks, 0.5));
        assert!(chi < limit, "{line}: {chi}");
    }
    let marks: Vec<Vec<f64>> = (0..16).map(|mark| hits(&chance(0.5, mark, false), 0)).collect();
    for (i, a) in marks.iter().enumerate() {
        for (j, b) in marks.iter().enumerate().take(i) {
            let r = correlation(a, b);
            assert!(r.abs() < 0.1, "marks {i} and {j}: {r}");
        }
    }
}

#[test]
fn cycles_are_thrown_independently() {
    for seed in 0..8 {
        let thrown = hits(&chance(0.5, seed, false), 0);
        for lag in 1..=16 {
            let r = correlation(&thrown, &thrown[lag..]);
            assert!(r.abs() < 0.1, "seed {seed}, {lag} cycles later: {r}");
        }
        let kept = thrown.iter().sum::<f64>();
        assert!((kept - 2048.0).abs() < 160.0, "seed {seed}: {kept}");
    }
}

#[test]
fn seeds_of_the_session_are_independent_and_are_not_marks() {
    let thrown: Vec<Vec<f64>> = (0..12).map(|seed| hits(&chance(0.5, 0, false), seed)).collect();
    for (i, a) in thrown.iter().enumerate() {
        for (j, b) in thrown.iter().enumerate().take(i) {
            let r = correlation(a, b);
            assert!(r.abs() < 0.1, "seeds {i} and {j}: {r}");
        }
        if i > 0 {
            let r = correlation(a, &hits(&chance(0.5, i as u64, false), 0));
            assert!(r.abs() < 0.1, "seed {i} and mark {i}: {r}");
        }
    }
}

#[test]
fn what_chance_leaves_out_inverted_chance_keeps() {
    for prob in [0.0, 0.25, 0.5, 0.9, 1.0] {
        let (kept, dropped) = (hits(&chance(prob, 3, false), 5), hits(&chance(prob, 3, true), 5));
        assert!(kept.iter().zip(&dropped).all(|(a, b)| a + b == 1.0), "{prob}");
        let share = kept.iter().sum::<f64>() / CYCLES as f64;
        assert!((share - (1.0 - prob)).abs() < 0.04, "{prob}: {share}");
    }
}
