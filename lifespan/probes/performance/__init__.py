"""How well does the subject do what it learned?"""
