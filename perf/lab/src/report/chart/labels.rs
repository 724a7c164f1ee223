//! Labels beside the ends of lines.

/// Least distance between the middles of two labels.
pub(super) const STEP_PX: i32 = 20;

/// Places labels as near to the wanted heights as they can be apart from each other, within the range. Labels that
/// crowd share the shift: each group is centred on the places that it wanted. Returns the heights in the order given.
pub(super) fn spread(wanted_px: &[i32], (top_px, bottom_px): (i32, i32)) -> Vec<i32> {
    let mut order: Vec<usize> = (0..wanted_px.len()).collect();
    order.sort_by_key(|&index| wanted_px.get(index));
    let mut groups: Vec<LabelStack> = Vec::new();
    for &index in &order {
        let wanted = wanted_px.get(index).copied().unwrap_or_default();
        let mut group = LabelStack { sum_px: wanted, count: 1, members: vec![index] };
        while let Some(above) =
            groups.pop_if(|above| above.bottom(top_px, bottom_px) + STEP_PX > group.top(top_px, bottom_px))
        {
            group = above.with(group);
        }
        groups.push(group);
    }
    let mut placed = vec![0; wanted_px.len()];
    for group in &groups {
        let top = group.top(top_px, bottom_px);
        for (place, &member) in (0..).zip(&group.members) {
            if let Some(slot) = placed.get_mut(member) {
                *slot = top + place * STEP_PX;
            }
        }
    }
    placed
}

/// Labels one below the other.
struct LabelStack {
    /// Sum of the wanted heights.
    sum_px: i32,
    count: i32,
    members: Vec<usize>,
}

impl LabelStack {
    fn top(&self, top_px: i32, bottom_px: i32) -> i32 {
        let height = (self.count - 1) * STEP_PX;
        (self.sum_px / self.count - height / 2).min(bottom_px - height).max(top_px)
    }

    fn bottom(&self, top_px: i32, bottom_px: i32) -> i32 {
        self.top(top_px, bottom_px) + (self.count - 1) * STEP_PX
    }

    fn with(mut self, below: Self) -> Self {
        self.sum_px += below.sum_px;
        self.count += below.count;
        self.members.extend(below.members);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_apart_and_within_the_page() {
        let wanted = [400, 100, 101, 300, 399];
        let placed = spread(&wanted, (50, 400));
        let mut sorted = placed.clone();
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= STEP_PX), "{placed:?}");
        assert!(sorted[0] >= 50 && sorted[4] <= 400, "{placed:?}");
        assert_eq!(placed[3], 300);
        assert!(placed[1] < 100 && placed[2] > 101 && placed[0] > placed[4], "{placed:?}");
    }
}
