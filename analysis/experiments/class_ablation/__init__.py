"""The ablation of a classifier: units are removed, and the accuracy of each class is measured."""
