"""The one gradient loop, its batches, and evaluation."""
