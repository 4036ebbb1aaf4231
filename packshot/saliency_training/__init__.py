"""Fine-tuning of the shipped saliency network on the synthetic catalogue: it is to see products, not infographics.

Nothing here is imported at run time; it needs the extra `saliency-training`.
"""
